//! The playground's sample data are what the demo pack's world says.

use std::path::Path;
use std::process::Command;

#[test]
fn the_playground_has_the_samples_that_the_demo_pack_gives() {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_portcullis-sim"))
        .args(["samples", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/samples");
    let written = String::from_utf8(done.stdout).unwrap();
    assert_eq!(written.lines().count(), 5);
    for made in written.lines().map(Path::new) {
        let name = made.strip_prefix(folder.path()).unwrap();
        let (made, kept) = (std::fs::read(made).unwrap(), std::fs::read(kept.join(name)).unwrap());
        assert!(
            made == kept,
            "gateway/samples/{} is not what the demo pack gives: run \
             `cargo run --release -p portcullis-sim -- samples --out gateway/samples`",
            name.display()
        );
    }
}
