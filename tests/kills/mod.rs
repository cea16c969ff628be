//! Recorders killed at random moments under load: what a client had whole is in the archive.

mod ledger;
mod load;

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Harmock, Origin, Wire, Workspace};
use ledger::{Finished, Ledger};
use load::{Kinds, Load, Random};

#[test]
fn what_a_client_had_whole_is_recorded_however_the_recorder_ends() {
    let mut session = Session::new(Kinds { streams: false, largest: 200_000 });
    for _ in 0..50 {
        session.kill_under_load(|load, random| {
            load.wait_for(random.next() % 40);
            sleep(random.time(Duration::from_millis(5)));
        });
    }
    session.check_last();
    assert!(session.ledger.checked > 500, "too little was asked for: {}", session.ledger.checked);
}

#[test]
fn kills_while_a_killed_recording_is_finished_add_nothing_twice_and_lose_nothing() {
    let workspace = Workspace::new();
    let origin = Origin::http();
    let mut random = Random::seeded();
    let append = ["--update", "append", "--log", "off"];
    let urls: Vec<_> = (0..40).map(|number| origin.url(&format!("/bytes/70000?{number}"))).collect();
    let killed = Harmock::record(&workspace, &append);
    let mut wire = Wire::connect(killed.address());
    urls.iter().for_each(|url| assert_eq!(wire.get(url).status, 200));
    drop(killed);
    for _ in 0..10 {
        let mut process = Harmock::command(&workspace, "record", &append).spawn().unwrap();
        sleep(random.time(Duration::from_millis(150)));
        process.kill().unwrap();
        process.wait().unwrap();
    }
    Harmock::record(&workspace, &append).interrupt().expect(1);
    let left = std::fs::read_dir(workspace.join("hars/.harmock")).unwrap().map(|item| item.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("write-")).collect();
    assert!(left.is_empty(), "{left:?} is left of those that were killed");
    let mut recorded: Vec<_> = workspace.entries("hars/recording.har");
    recorded.sort_by_key(|entry| urls.iter().position(|url| entry["request"]["url"] == **url));
    let recorded: Vec<_> = recorded.iter().map(|entry| entry["request"]["url"].as_str().unwrap()).collect();
    assert_eq!(recorded, urls);
}

/// The same for as long as `HARMOCK_SOAK_SECONDS` says, with `HARMOCK_SOAK_KILLS` kills: `tests/soak` runs it.
#[test]
#[ignore = "takes minutes; tests/soak runs it"]
fn soak() {
    let number = |name: &str, or: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let (seconds, kills) = (number("HARMOCK_SOAK_SECONDS", 600), number("HARMOCK_SOAK_KILLS", 200));
    let mut session = Session::new(Kinds { streams: true, largest: 8 << 20 });
    let (started, all) = (Instant::now(), Duration::from_secs(seconds));
    let mut under_load = Duration::ZERO;
    let tell = |kills: u64, session: &Session, under_load: Duration| {
        println!(
            "{kills} kills in {} s, {} of them under load: {} exchanges that a client had whole, none missing; at most {} MiB resident",
            started.elapsed().as_secs(),
            under_load.as_secs(),
            session.ledger.checked,
            session.most_resident >> 10,
        );
    };
    for killed in 0..kills {
        // Finishing what was recorded and holding it against the clients' word takes its part of the time that is left.
        let each = all.saturating_sub(started.elapsed()) / u32::try_from(kills - killed).unwrap();
        let spent = started.elapsed() - under_load;
        let other = spent.checked_div(u32::try_from(killed).unwrap()).unwrap_or_default();
        session.kill_under_load(|load, random| {
            load.wait_for(1);
            // A slow machine takes longer rather than kill recorders that have nothing to do.
            let time = random.time(each.saturating_sub(other).max(each / 4) * 2);
            under_load += time;
            sleep(time);
        });
        if (killed + 1) % 10 == 0 {
            tell(killed + 1, &session, under_load);
        }
    }
    session.check_last();
    tell(kills, &session, under_load);
    assert!(session.most_resident < 128 << 10, "{} KiB resident", session.most_resident);
}

/// One archive after another in one place: each recorder finishes what the one before, which was killed, had recorded.
struct Session {
    workspace: Workspace,
    plain: Origin,
    tls: Origin,
    random: Random,
    kinds: Kinds,
    ledger: Ledger,
    /// What the clients of the last recorder had whole.
    last: Vec<Finished>,
    /// Kilobytes.
    most_resident: u64,
}

impl Session {
    fn new(kinds: Kinds) -> Self {
        Self {
            workspace: Workspace::new(),
            plain: Origin::http(),
            tls: Origin::https(),
            random: Random::seeded(),
            kinds,
            ledger: Ledger::default(),
            last: Vec::new(),
            most_resident: 0,
        }
    }

    /// Starts a recorder, which finishes the recording of the one before, and kills it at the `moment` when that returns.
    fn kill_under_load(&mut self, moment: impl FnOnce(&Load, &mut Random)) {
        let recorder = self.start();
        let load = Load::start(&recorder, &self.plain, &self.tls, self.kinds, self.random.split());
        moment(&load, &mut self.random);
        self.most_resident = self.most_resident.max(resident(recorder.id()));
        drop(recorder);
        self.last = load.join();
    }

    fn check_last(&mut self) {
        drop(self.start());
    }

    fn start(&mut self) -> Harmock {
        let recorder = Harmock::record(&self.workspace, &["--log", "off"]);
        self.ledger.check(&self.workspace, &self.last);
        self.last.clear();
        recorder
    }
}

/// The most that a process has had in memory, in kilobytes; 0 where the system does not tell.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
