use std::path::Path;

use super::*;
use crate::config::file;

fn directories(root: &Path) -> Directories {
    Directories {
        data: Some(root.join("data")),
        state: Some(root.join("state")),
        cache: None,
        config: Some(root.join("config")),
    }
}

/// Resolves flags, variables and the text of a settings file.
fn resolve(
    flags: &[(Key, &[&str])],
    variables: &[(&str, &str)],
    file: Option<&str>,
) -> Result<Settings, SettingError> {
    let root = tempfile::tempdir().expect("a directory");
    let directories = directories(root.path());
    if let Some(text) = file {
        let directory = root.path().join("config");
        std::fs::create_dir(&directory).expect("a directory");
        std::fs::write(directory.join(file::FILE_NAME), text).expect("a file");
    }
    let flags = flags
        .iter()
        .map(|(key, values)| (*key, values.iter().map(|&value| value.to_owned()).collect()))
        .collect();
    let variable = |name: &str| {
        variables
            .iter()
            .find(|(variable, _)| *variable == name)
            .map(|(_, value)| (*value).into())
    };
    Settings::resolve(&Sources {
        flags,
        variable: &variable,
        file: None,
        directories,
    })
}

fn dbps(thresholds: &[Threshold]) -> Vec<u32> {
    thresholds
        .iter()
        .map(|threshold| threshold.dbps())
        .collect()
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let file = Some("\nthresholds = [1, 2]\n");
    let variables = [("STREAMKIT_THRESHOLDS", "3, 4")];
    let flags: [(Key, &[&str]); 1] = [(Key::Thresholds, &["5"])];

    let found = resolve(&flags, &variables, file)
        .expect("settings")
        .thresholds;
    assert_eq!(dbps(&found.value), [5]);
    assert_eq!(found.origin, Origin::Flag("--thresholds".to_owned()));

    let found = resolve(&[], &variables, file).expect("settings").thresholds;
    assert_eq!(dbps(&found.value), [3, 4]);
    assert_eq!(
        found.origin,
        Origin::Variable("STREAMKIT_THRESHOLDS".to_owned())
    );

    let found = resolve(&[], &[], file).expect("settings").thresholds;
    assert_eq!(dbps(&found.value), [1, 2]);
    assert!(matches!(found.origin, Origin::File { line: 2, .. }));

    let found = resolve(&[], &[], None).expect("settings").thresholds;
    assert_eq!(dbps(&found.value), [250, 500, 750, 1000]);
    assert_eq!(found.origin, Origin::Default);
}

#[test]
fn nothing_has_to_be_set() {
    let settings = resolve(&[], &[("STREAMKIT_STORE", "")], None).expect("settings");
    let store = settings.store().expect("a store");
    assert!(store.value.to_string().ends_with("data/streamkit.db"));
    assert!(
        settings
            .state_dir()
            .expect("a place")
            .value
            .ends_with("state")
    );
    assert_eq!(settings.exchange.value.as_str(), "binance");
    assert_eq!(settings.anchor.value, Anchor::Day);
    assert_eq!(settings.collector, None);
    assert!(settings.ws_urls.value.is_empty() && settings.rest_urls.value.is_empty());
    assert_eq!(settings.shown().len(), Key::ALL.len());
    let shown: Vec<_> = settings.shown().iter().map(|shown| shown.key).collect();
    assert_eq!(shown, Key::ALL);
}

#[test]
fn a_value_that_makes_no_sense_names_where_it_came_from() {
    let cases: [(Key, &[&str]); 9] = [
        (Key::Collector, &[" nas"]),
        (Key::Thresholds, &["0"]),
        (Key::Thresholds, &["250", "100001"]),
        (Key::Thresholds, &[]),
        (Key::Anchor, &["none"]),
        (Key::Store, &["bars.db"]),
        (Key::StateDir, &[""]),
        (Key::Exchange, &["Binance"]),
        (Key::WsUrl, &["http://h"]),
    ];
    for (key, values) in cases {
        let error = resolve(&[(key, values)], &[], None).expect_err(key.name());
        let SettingError::Value {
            key: named, origin, ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((*named, origin), (key, &Origin::Flag(key.flag())));
        assert!(
            error
                .to_string()
                .starts_with(&format!("read {key} from {}: ", key.flag())),
            "{error}"
        );
    }
    let error = resolve(&[], &[], Some("anchor = 'week'")).expect_err("no such anchor");
    assert!(
        error.to_string().contains("streamkit.toml, line 1: 'week'"),
        "{error}"
    );
}

#[test]
fn thresholds_lose_their_duplicates_and_keep_their_order() {
    let flags: [(Key, &[&str]); 1] = [(Key::Thresholds, &["500", "250", "500", "0250"])];
    let found = resolve(&flags, &[], None).expect("settings").thresholds;
    assert_eq!(dbps(&found.value), [500, 250]);
}

#[test]
fn secrets_are_used_and_never_shown() {
    let secret = "hunter2";
    let address = format!("clickhouse://ann:{secret}@db.example/bars");
    let url = format!("ws://u:{secret}@h");
    let variables = [
        ("STREAMKIT_STORE", address.as_str()),
        ("STREAMKIT_WS_URL", &url),
    ];
    let settings = resolve(&[], &variables, None).expect("settings");
    assert!(!format!("{:?}", settings.shown()).contains(secret));
    assert_eq!(
        settings.store_password,
        Some(Origin::Variable("STREAMKIT_STORE".to_owned()))
    );

    let variables = [
        ("STREAMKIT_STORE", "clickhouse://ann@db.example/bars"),
        ("STREAMKIT_STORE_PASSWORD", secret),
    ];
    let settings = resolve(&[], &variables, None).expect("settings");
    assert!(has_password(&settings.store().expect("a store").value));
    assert!(!format!("{settings:?}").contains(secret));
    assert_eq!(
        settings.store_password,
        Some(Origin::Variable("STREAMKIT_STORE_PASSWORD".to_owned()))
    );
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let variable = |name: &str| (name == FILE_VARIABLE).then(|| "/nonexistent/a.toml".into());
    let error = Settings::resolve(&Sources {
        flags: BTreeMap::new(),
        variable: &variable,
        file: None,
        directories: Directories::default(),
    })
    .expect_err("no file");
    assert_eq!(
        error.to_string(),
        "read the settings file /nonexistent/a.toml"
    );
}

#[test]
fn without_a_home_only_what_needs_a_place_fails() {
    let resolve = |flags: &[(Key, &str)]| {
        let flags = flags
            .iter()
            .map(|(key, value)| (*key, vec![(*value).to_owned()]));
        Settings::resolve(&Sources {
            flags: flags.collect(),
            variable: &|_| None,
            file: None,
            directories: Directories::default(),
        })
        .expect("settings")
    };
    let settings = resolve(&[]);
    assert!(matches!(
        settings.store(),
        Err(SettingError::NoHome(Key::Store))
    ));
    assert!(matches!(
        settings.state_dir(),
        Err(SettingError::NoHome(Key::StateDir))
    ));
    assert_eq!(settings.shown().len(), Key::ALL.len());
    let settings = resolve(&[(Key::Store, "sqlite:a.db"), (Key::StateDir, "b")]);
    assert!(settings.store().is_ok() && settings.state_dir().is_ok());
}

/// The settings file that is shipped as an example.
const EXAMPLE: &str = include_str!("../../../examples/streamkit.toml");

/// The same with every setting in force that it only shows.
fn example_in_force() -> String {
    let is_shown = |line: &str| {
        let name = line
            .strip_prefix('#')
            .and_then(|line| line.split(' ').next());
        name.is_some_and(|name| Key::named(name).is_some())
    };
    let in_force = |line: &str| {
        let line = if is_shown(line) { &line[1..] } else { line };
        line.to_owned() + "\n"
    };
    EXAMPLE.lines().map(in_force).collect()
}

#[test]
fn the_example_shows_every_setting_once_and_sets_none() {
    let settings = resolve(&[], &[], Some(EXAMPLE)).expect("a settings file");
    for shown in settings.shown() {
        assert_eq!(*shown.origin, Origin::Default, "{}", shown.key);
    }
    for key in Key::ALL {
        let begin = format!("#{} = ", key.name());
        let count = EXAMPLE
            .lines()
            .filter(|line| line.starts_with(&begin))
            .count();
        assert_eq!(count, 1, "{key} in examples/streamkit.toml");
    }
}

#[test]
fn what_the_example_shows_is_right_and_the_default_where_there_is_one() {
    let shown = resolve(&[], &[], Some(&example_in_force())).expect("a settings file");
    let default = resolve(&[], &[], None).expect("the defaults");
    for (shown, default) in shown.shown().iter().zip(default.shown()) {
        assert!(
            matches!(shown.origin, Origin::File { .. }),
            "{} is read",
            shown.key
        );
        // The others depend on the user, on the machine, or on nothing at all.
        let has_default = matches!(
            shown.key,
            Key::Exchange | Key::Thresholds | Key::Anchor | Key::Log | Key::LogFormat | Key::Color
        );
        if has_default {
            assert_eq!(shown.values, default.values, "{}", shown.key);
        }
    }
}
