//! The terminal itself: taken over when a desk begins, and given back however it ends, by an error or a panic too.

use std::io::{self, IsTerminal as _, Stdout, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use portcullis_proto::drill::v1::Role;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::draw::{Pen, draw};
use super::message::Message;
use super::model::Model;
use super::runner::{Doors, run};

/// Between two looks whether the desk is left.
const LOOK: Duration = Duration::from_millis(200);

/// Whether the terminal is taken over, and not given back yet.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Are standard input and output a terminal?
pub fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Runs a desk on this terminal until it is left.
///
/// # Errors
/// The terminal cannot be taken over or drawn on, or something of the desk broke.
pub async fn desk(doors: &Doors) -> anyhow::Result<()> {
    let mut session = [0u8; 16];
    aws_lc_rs::rand::fill(&mut session).ok().context("no random numbers")?;
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let pen = Pen { colour: !unwanted };
    let (tell, told) = unbounded_channel();
    signals(tell.clone())?;
    let mut taken = Taken::new()?;
    let left = Arc::new(AtomicBool::new(false));
    let keys = listen(tell.clone(), left.clone());
    let desk = Model::new(hex::encode(session), doors.gateway.is_some());
    let show = |model: &Model| {
        // After a panic the terminal is given back, and nothing draws on it any more.
        anyhow::ensure!(TAKEN.load(Ordering::Relaxed), "the desk broke; this is a defect");
        taken.terminal.draw(|frame| draw(model, pen, frame)).context("the terminal")?;
        Ok(())
    };
    let ended = run(desk, doors, (tell, told), show).await;
    left.store(true, Ordering::Relaxed);
    drop(taken);
    // The thread sees within a moment that the desk is left.
    let _ = keys.join();
    let model = ended?;
    if model.role() != Role::Unspecified && !model.outbox.is_empty() {
        let names: Vec<String> = model.outbox.iter().map(|one| one.call.name()).collect();
        eprintln!("portcullis-sim: not known whether it arrived: {}", names.join("; "));
    }
    Ok(())
}

/// The terminal, taken over.
struct Taken {
    terminal: ratatui::Terminal<CrosstermBackend<Stdout>>,
}

impl Taken {
    fn new() -> anyhow::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        TAKEN.store(true, Ordering::Relaxed);
        let taken = || {
            enable_raw_mode()?;
            execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
            ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))
        };
        match taken() {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error).context("the terminal cannot be taken over")
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, once.
fn give_back() {
    if TAKEN.swap(false, Ordering::Relaxed) {
        // Nothing can be done where this fails: the terminal is gone.
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

/// Keys, from a thread of their own: reading them waits.
fn listen(tell: UnboundedSender<Message>, left: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        while !left.load(Ordering::Relaxed) {
            let message = match event::poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => match event::read() {
                    Ok(Event::Key(key)) => Message::Key(key),
                    Ok(Event::Paste(text)) => Message::Paste(text),
                    // Drawn anew at once; the size is the terminal's to say.
                    Ok(Event::Resize(_, _)) => Message::Tick,
                    Ok(Event::Mouse(_) | Event::FocusGained | Event::FocusLost) => continue,
                    Err(_) => Message::Stop,
                },
                Err(_) => Message::Stop,
            };
            let stop = matches!(message, Message::Stop);
            if tell.send(message).is_err() || stop {
                return;
            }
        }
    })
}

/// Whoever tells the program to end, or takes its terminal away, gets the terminal back as it was.
fn signals(tell: UnboundedSender<Message>) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = tell.send(Message::Stop);
    });
    Ok(())
}
