//! Pages about a running collector: served on a socket in the state directory, and on an
//! address if one is given; read by `status`.

mod client;
mod place;
mod server;

pub use client::{ClientError, get_local};
pub use server::{Answer, Listener, Page, Site, serve};
