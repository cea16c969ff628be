//! Keeping what passed: the tee, the spool, the journal, the finished archive.
