//! Journals that come back whole, cut or damaged.

use super::*;
use crate::archive::{BodyStorage, Update, WriterOptions};
use crate::record::Error;
use crate::record::recording::tests::facts;
use crate::redact::Rules;

/// One record, written at once.
fn append(writer: &mut JournalWriter, number: u64, request: &JournalBody, response: &JournalBody) {
    writer.add(&facts(number), request, response).unwrap();
    writer.write(|outcome| outcome.unwrap());
}

/// A journal of exchanges 0 to `count`, and where each record ends.
fn journal(path: &Path, count: u64) -> Vec<u64> {
    let mut writer = JournalWriter::create(path, &RunSettings::default()).unwrap();
    let mut ends = vec![writer.length];
    for number in 0..count {
        append(&mut writer, number, &JournalBody::Inline(Bytes::from(vec![1; 100])), &JournalBody::None);
        ends.push(writer.length);
    }
    ends
}

/// The numbers of the exchanges that can be read, and the reader at their end.
fn read(path: &Path) -> (Vec<u64>, JournalReader) {
    let mut reader = JournalReader::open(path).unwrap();
    let numbers = std::iter::from_fn(|| reader.next_record().unwrap()).map(|record| record.facts.number).collect();
    (numbers, reader)
}

#[test]
fn records_come_back_in_order_with_their_bodies_and_the_settings_of_their_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let volatile = vec!["x-build".to_owned()];
    let archive =
        WriterOptions { storage: BodyStorage::Embed, update: Update::Merge, volatile, ..WriterOptions::default() };
    let settings = RunSettings { archive, redact: Rules::off() };
    let mut writer = JournalWriter::create(&path, &settings).unwrap();
    append(&mut writer, 0, &JournalBody::Inline(Bytes::from(b"abc".to_vec())), &JournalBody::None);
    let spooled = JournalBody::Spooled { number: 7, length: 9 };
    append(&mut writer, 1, &JournalBody::None, &spooled);
    let mut reader = JournalReader::open(&path).unwrap();
    assert_eq!(reader.settings(), &settings);
    let first = reader.next_record().unwrap().unwrap();
    assert_eq!((first.facts.number, first.request), (0, JournalBody::Inline(Bytes::from(b"abc".to_vec()))));
    assert_eq!(first.facts.fields.iter().collect::<Vec<_>>(), [("x", "\u{e9}")]);
    assert_eq!(reader.next_record().unwrap().unwrap().response, spooled);
    assert!(reader.next_record().unwrap().is_none() && !reader.cut());
}

#[test]
fn a_journal_cut_anywhere_leaves_the_records_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let ends = journal(&path, 2);
    let bytes = std::fs::read(&path).unwrap();
    for end in 0..bytes.len() {
        std::fs::write(&path, &bytes[..end]).unwrap();
        let whole = ends.iter().filter(|at| **at <= end as u64).count();
        let (numbers, reader) = read(&path);
        assert_eq!(numbers.len(), whole.saturating_sub(1), "cut at {end}");
        assert_eq!(reader.cut(), end > 0 && !ends.contains(&(end as u64)), "cut at {end}");
    }
}

#[test]
fn blocks_that_a_power_loss_left_empty_end_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    journal(&path, 1);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend([0; 4096]);
    std::fs::write(&path, bytes).unwrap();
    let (numbers, reader) = read(&path);
    assert_eq!((numbers, reader.cut()), (vec![0], true));
}

#[test]
fn a_byte_that_changed_ends_the_journal_before_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let ends = journal(&path, 2);
    let bytes = std::fs::read(&path).unwrap();
    for at in ends[1] as usize..ends[2] as usize {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        std::fs::write(&path, changed).unwrap();
        assert_eq!(read(&path).0, [0], "changed at {at}");
    }
}

#[test]
fn a_commit_is_read_back_and_takes_the_place_of_a_cut_record() {
    let folder = tempfile::tempdir().unwrap();
    let (path, archive) = (folder.path().join("j"), folder.path().join("a.har"));
    let ends = journal(&path, 2);
    File::options().write(true).open(&path).unwrap().set_len(ends[2] - 1).unwrap();
    std::fs::write(&archive, "{}").unwrap();
    let (_, reader) = read(&path);
    assert_eq!((reader.whole(), reader.commit()), (ends[1], None));
    Commit::of(&archive).unwrap().note(&path, reader.whole()).unwrap();
    let (numbers, reader) = read(&path);
    assert_eq!((numbers, reader.cut()), (vec![0], false));
    assert_eq!(reader.commit(), Some(Commit::of(&archive).unwrap()));
    std::fs::write(&archive, "{ }").unwrap();
    assert_ne!(reader.commit(), Some(Commit::of(&archive).unwrap()));
}

#[test]
fn a_file_that_is_no_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    std::fs::write(&path, [b'x'; 200]).unwrap();
    assert!(matches!(JournalReader::open(&path), Err(Error::Journal { .. })));
}

#[test]
fn records_that_were_added_together_come_back_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let mut writer = JournalWriter::create(&path, &RunSettings::default()).unwrap();
    let bodies = |number| JournalBody::Inline(Bytes::from(vec![number as u8; number as usize]));
    (0..100).for_each(|number| writer.add(&facts(number), &bodies(number), &bodies(number * 2)).unwrap());
    let mut written = 0;
    writer.write(|outcome| written += u64::from(outcome.is_ok()));
    assert_eq!((written, writer.pending()), (100, 0));
    let mut reader = JournalReader::open(&path).unwrap();
    for number in 0..100 {
        let record = reader.next_record().unwrap().unwrap();
        assert_eq!(
            (record.facts.number, record.request, record.response),
            (number, bodies(number), bodies(number * 2))
        );
    }
    assert!(reader.next_record().unwrap().is_none());
}

#[test]
fn a_record_whose_body_is_not_there_whole_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let whole =
        |response| Record { facts: facts(0), request: JournalBody::None, response }.has_its_bodies(folder.path());
    std::fs::write(spool_path(folder.path(), 3), "abc").unwrap();
    assert!(whole(JournalBody::Inline(Bytes::from(vec![1]))) && whole(JournalBody::Spooled { number: 3, length: 3 }));
    assert!(
        !whole(JournalBody::Spooled { number: 3, length: 4 }) && !whole(JournalBody::Spooled { number: 4, length: 0 })
    );
}

#[test]
fn a_record_that_nobody_could_read_is_not_added_and_those_behind_it_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let mut writer = JournalWriter::create(&path, &RunSettings::default()).unwrap();
    let endless = ExchangeFacts { url: "x".repeat(LONGEST_FACTS as usize), ..facts(0) };
    let error = writer.add(&endless, &JournalBody::None, &JournalBody::None).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    append(&mut writer, 1, &JournalBody::None, &JournalBody::None);
    assert_eq!(read(&path).0, [1]);
}
