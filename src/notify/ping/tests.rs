use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::*;
use crate::notify::{
    config::Opened,
    testing::{PATIENCE, hanging, refusing, requests, try_open},
};

fn ping(url: &str) -> Ping {
    let toml = "type = 'ping'\nurl_env = 'URL'\ninterval = '30s'";
    match try_open(toml, &[("URL", url)]) {
        Ok(Opened::Ping(ping)) => ping,
        other => panic!("no ping: {other:?}"),
    }
}

#[tokio::test]
async fn the_address_is_called_and_anything_but_well_is_an_error_without_it() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/hunter2"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let well = ping(&format!("{}/hunter2", server.uri()));
    assert_eq!(
        (well.name(), well.interval()),
        ("ops", Duration::from_secs(30))
    );
    well.ping(PATIENCE).await.expect("called");
    assert_eq!(requests(&server).await.len(), 1);
    let gone = ping(&format!("{}/hunter2/gone", server.uri()));
    let error = gone.ping(PATIENCE).await.expect_err("not found");
    assert!(
        error.is_permanent() && error.what.contains("HTTP 404"),
        "{error}"
    );
    let dead = ping(&format!("http://{}/hunter2", refusing().await));
    let refused = dead.ping(PATIENCE).await.expect_err("refused");
    let (_listener, address) = hanging().await;
    let silent = ping(&format!("http://{address}/hunter2"));
    let late = silent
        .ping(Duration::from_millis(100))
        .await
        .expect_err("silent");
    for error in [error, refused, late] {
        assert!(
            !format!("{error} {error:?} {silent:?}").contains("hunter2"),
            "{error}"
        );
    }
}
