//! What the sim counts, and how it tells.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::fault::Fault;

/// Counters that only rise.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections_ever: AtomicU64,
    messages_sent: AtomicU64,
    rest: Mutex<BTreeMap<u16, u64>>,
    archive: Mutex<ArchiveStats>,
}

impl Counters {
    /// Counts a stream connection that was opened.
    pub(crate) fn count_connection(&self) {
        self.connections_ever.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts data messages that were written to a client.
    pub(crate) fn count_messages(&self, messages: u64) {
        self.messages_sent.fetch_add(messages, Ordering::Relaxed);
    }

    /// Counts a REST request by the status of its answer; 0 is no answer.
    pub(crate) fn count_rest(&self, status: u16) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        *rest.entry(status).or_default() += 1;
    }

    /// Counts a request to the archive, and the bytes that its answer announces.
    pub(crate) fn count_archive(&self, status: u16, is_checksum: bool, body_bytes: u64) {
        let archive = &mut *self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        if is_checksum {
            *archive.checksum_requests.entry(status).or_default() += 1;
            return;
        }
        *archive.zip_requests.entry(status).or_default() += 1;
        if (200..300).contains(&status) {
            archive.zip_bytes += body_bytes;
        }
    }

    pub(crate) fn archive(&self) -> ArchiveStats {
        self.archive
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn connections_ever(&self) -> u64 {
        self.connections_ever.load(Ordering::Relaxed)
    }

    pub(crate) fn messages_sent(&self) -> u64 {
        self.messages_sent.load(Ordering::Relaxed)
    }

    pub(crate) fn rest(&self) -> BTreeMap<u16, u64> {
        self.rest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What has happened at a sim so far, as `GET /sim/stats` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Stream connections that are open.
    pub connections: usize,
    /// Stream connections that were opened.
    pub connections_ever: u64,
    /// Data messages written to clients.
    pub messages_sent: u64,
    /// Clients that were ended for not keeping up.
    pub slow_clients: u64,
    /// REST requests by the status of the answer; 0 is no answer.
    pub rest_requests: BTreeMap<u16, u64>,
    /// The archive.
    pub archive: ArchiveStats,
    /// Each symbol.
    pub symbols: BTreeMap<String, SymbolStats>,
    /// The faults in force, with the strikes left.
    pub faults: Vec<Fault>,
    /// How often faults have struck.
    pub faults_struck: u64,
}

/// What has been asked of the archive so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ArchiveStats {
    /// Requests for zips by the status of the answer; 206 is a part.
    pub zip_requests: BTreeMap<u16, u64>,
    /// Requests for checksums by the status of the answer.
    pub checksum_requests: BTreeMap<u16, u64>,
    /// How long all zips and parts of zips were that were answered, whole or not.
    pub zip_bytes: u64,
}

/// What has happened to one symbol so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SymbolStats {
    /// Stream connections that subscribe to it.
    pub subscriptions: usize,
    /// The id of its newest past trade.
    pub newest_id: Option<i64>,
    /// The id of the newest trade that was given to the streams.
    pub newest_streamed_id: Option<i64>,
}
