//! What a server is like, for whoever looks whether it can be worked with. Nothing is changed.

use super::store::ClickHouseStore;
use crate::store::{schema::quote_identifier, sink::StoreError};

/// A table of the database, as the server describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFound {
    /// Its name.
    pub name: String,
    /// Its engine with arguments, order and settings.
    pub engine: String,
    /// The names of its columns.
    pub columns: Vec<String>,
}

impl ClickHouseStore {
    /// The server's version, such as `26.7.3.1`. No database is needed for that.
    ///
    /// # Errors
    /// When the server does not answer, or lets us not in.
    pub async fn version(&self) -> Result<String, StoreError> {
        let query = self.bare_client.query_raw("SELECT version()");
        self.shortly(query.fetch_one::<String>()).await
    }

    /// Whether the user has a right, such as `INSERT`, to all of the database. Whether the
    /// database is there makes no difference.
    ///
    /// # Errors
    /// When the server cannot be asked; old ones do not know the question.
    pub async fn has_right(&self, right: &str) -> Result<bool, StoreError> {
        let database = quote_identifier(&self.address.database);
        let sql = format!("CHECK GRANT {right} ON {database}.*");
        let query = self.bare_client.query_raw(&sql);
        self.shortly(query.fetch_one::<u8>())
            .await
            .map(|is_granted| is_granted == 1)
    }

    /// The tables and views of the database that the user may see.
    ///
    /// # Errors
    /// When the server cannot be asked, or the database is not there.
    pub async fn tables(&self) -> Result<Vec<TableFound>, StoreError> {
        let tables = "SELECT concat(name, '\\t', engine_full) FROM system.tables \
                      WHERE database = currentDatabase() ORDER BY name";
        let tables = self.client.query_raw(tables).fetch_all::<String>();
        let tables = self.shortly(tables).await?;
        let columns = "SELECT concat(table, '\\t', name) FROM system.columns \
                       WHERE database = currentDatabase() ORDER BY table, position";
        let columns = self.client.query_raw(columns).fetch_all::<String>();
        let columns = self.shortly(columns).await?;
        let of = |name: &str| {
            let pairs = columns.iter().filter_map(|pair| pair.split_once('\t'));
            let own = pairs.filter(|(table, _)| *table == name);
            own.map(|(_, column)| column.to_owned()).collect()
        };
        Ok(tables
            .iter()
            .filter_map(|table| table.split_once('\t'))
            .map(|(name, engine)| TableFound {
                name: name.to_owned(),
                engine: engine.to_owned(),
                columns: of(name),
            })
            .collect())
    }
}
