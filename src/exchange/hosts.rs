//! A resolver that knows what a file says, so that a name can be taken away without root.

use std::{io, net::IpAddr, path::PathBuf};

use async_trait::async_trait;

use super::dial::Resolve;

/// A file of lines `ADDRESS NAME…`, as `/etc/hosts`, that is read at each look-up.
#[derive(Debug, Clone)]
pub struct HostsFile(PathBuf);

impl HostsFile {
    /// Looks up in the file at `path`.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

#[async_trait]
impl Resolve for HostsFile {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let text = tokio::fs::read_to_string(&self.0).await?;
        let found: Vec<IpAddr> = text
            .lines()
            .filter_map(|line| {
                let (address, names) = line.split_once(char::is_whitespace)?;
                let is_named = names.split_whitespace().any(|name| name == host);
                is_named.then(|| address.parse().ok())?
            })
            .collect();
        if found.is_empty() {
            let sentence = format!("no address is known for {host}");
            return Err(io::Error::new(io::ErrorKind::NotFound, sentence));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_known_while_the_file_says_so() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("hosts");
        let hosts = HostsFile::new(path.clone());
        assert!(hosts.resolve("exchange.test").await.is_err());
        std::fs::write(&path, "127.0.0.1 a.test exchange.test\nnonsense\n").expect("written");
        let found = hosts.resolve("exchange.test").await.expect("an address");
        assert_eq!(found, [IpAddr::from([127, 0, 0, 1])]);
        let error = hosts.resolve("b.test").await.expect_err("unknown");
        assert_eq!(error.to_string(), "no address is known for b.test");
    }
}
