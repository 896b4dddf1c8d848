//! A case that no agency can solve alone, solved by hand through the gateway: the simulator's world, its exchange of
//! agencies, and queries between three of them, as `simulator/README.md` shows them.

use std::process::Stdio;

use portcullis_tests::transcript::{run, steps};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::test(flavor = "multi_thread")]
async fn three_agencies_solve_by_hand_what_none_can_alone() {
    let work = tempfile::tempdir().unwrap();
    let steps =
        steps(include_str!("../../simulator/README.md"), "portcullis-sim exchange").unwrap();
    assert!(steps.len() >= 6, "{}", steps.len());
    run(&steps[0], work.path()).await.unwrap();
    // The second step stays up while the others run.
    assert!(
        steps[1].command.starts_with("portcullis playground --exchange"),
        "{}",
        steps[1].command
    );
    let mut playground =
        tokio::process::Command::new(portcullis_tests::binary("portcullis").unwrap())
            .args(["playground", "--exchange", "world", "--dir", "trial"])
            .current_dir(work.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
    let mut lines = BufReader::new(playground.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("the playground ended");
        if line.starts_with("The exchange stays up") {
            break;
        }
    }
    for step in &steps[2..] {
        run(step, work.path()).await.unwrap();
    }
    playground.kill().await.unwrap();
}
