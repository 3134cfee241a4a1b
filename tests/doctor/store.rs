//! Stores that cannot be worked with.

use crate::{
    common::{
        clickhouse::{Dropped, ask, clickhouse_url, fresh_database},
        process::{run, text},
    },
    scene::{NOWHERE, Scene, rewriting},
};

/// A database of its own; it does not exist yet.
struct Database(Dropped);

impl Database {
    fn new() -> Option<Self> {
        let url = clickhouse_url()?;
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        Some(Self(Dropped {
            host: host.to_owned(),
            database: fresh_database("doctor"),
        }))
    }

    /// The options for it, at a host.
    fn at(&self, user: &str, host: &str) -> String {
        let database = &self.0.database;
        format!("--exchange sim --store clickhouse://{user}@{host}/{database}")
    }

    fn options(&self) -> String {
        self.at("default", &self.0.host)
    }

    fn execute(&self, sql: &str) {
        ask(&self.0.host, &self.0.database, sql);
    }

    /// Makes the tables.
    fn apply(&self, scene: &Scene) {
        let output = run(&mut scene.command(&format!("schema apply {}", self.options())));
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

#[test]
fn a_store_that_is_not_there_is_to_be_started() {
    let store = format!("--exchange sim --store clickhouse://{NOWHERE}/x");
    let found = Scene::new().doctor(&store);
    found.fails("store", NOWHERE, "start ClickHouse, or correct the host");
    for name in ["rights", "schema", "deduplication"] {
        found.is(name, "not_checked");
    }
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let scene = Scene::new();
    let file = scene.write("bars.db", "this is none");
    let found = scene.doctor(&format!("--exchange sim --store sqlite:{file}"));
    found.fails("store", "bars.db", "");
}

#[test]
fn a_wrong_password_is_to_be_corrected() {
    let Some(database) = Database::new() else {
        return;
    };
    let host = &database.0.host;
    for user in ["default:hunter2", "nobody:hunter2"] {
        let found = Scene::new().doctor(&database.at(user, host));
        found.fails("store", "password is incorrect", "STREAMKIT_STORE_PASSWORD");
        assert!(!found.told.contains("hunter2"), "{}", found.told);
    }
}

#[test]
fn a_right_that_is_missing_is_to_be_granted() {
    let Some(database) = Database::new() else {
        return;
    };
    // The server for tests can have no second user: what it says of a right is replaced.
    let front = rewriting(
        database.0.host.clone(),
        "CHECK GRANT INSERT ON",
        "SELECT toUInt8(0)  --",
    );
    let found = Scene::new().doctor(&database.at("default", &front.to_string()));
    let name = &database.0.database;
    let remedy = format!("GRANT INSERT ON {name}.* TO default");
    found.fails("rights", "may not INSERT", &remedy);
    found.is("store", "ok");
}

#[test]
fn tables_that_are_missing_or_of_another_version_are_named_and_none_are_made() {
    let Some(database) = Database::new() else {
        return;
    };
    let (scene, options) = (Scene::new(), database.options());
    for _ in 0..2 {
        let found = scene.doctor(&options);
        found.fails("schema", "missing: bars, ", "streamkit schema apply");
        found.is("deduplication", "not_checked");
    }
    database.apply(&scene);
    let found = scene.doctor(&options);
    assert_eq!(found.code, Some(0), "{}", found.told);
    for name in ["store", "rights", "schema", "deduplication"] {
        found.is(name, "ok");
    }
    database.execute("ALTER TABLE gaps DROP COLUMN proof");
    let found = scene.doctor(&options);
    found.fails("schema", "it has no gaps.proof", "streamkit schema print");
}

#[test]
fn a_table_that_forgets_its_inserts_is_told() {
    let Some(database) = Database::new() else {
        return;
    };
    let scene = Scene::new();
    database.apply(&scene);
    database.execute("ALTER TABLE bars MODIFY SETTING non_replicated_deduplication_window = 0");
    let found = scene.doctor(&database.options());
    let remedy = "bars MODIFY SETTING non_replicated_deduplication_window = 10000";
    found.fails("deduplication", "may double rows of: bars", remedy);
}
