//! The sim exchange seen from outside: over its socket, with a WebSocket client and
//! HTTP requests that know nothing of its insides.

mod client;
mod connection_faults;
mod message_faults;
mod rest;
mod rest_faults;
mod streams;
