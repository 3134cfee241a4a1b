//! The exchange to collect from, with the sim inside if that is asked for.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc};

use url::Url;

use crate::{
    cli::{
        args::distinct,
        context::Context,
        error::{CliError, Edge as _},
        exit::ExitCode,
    },
    exchange::{
        binance::{Binance, Settings},
        sim::Server,
        socket::SocketSettings,
        source::Source,
    },
};

use super::CollectArgs;

/// The exchange that the adapter is for.
pub const BINANCE: &str = "binance";
/// The exchange that is made up.
pub const SIM: &str = "sim";
/// The sim inside serves as fast as it is asked.
const SIM_WEIGHT_PER_MINUTE: NonZeroU32 = NonZeroU32::new(1_000_000_000).unwrap();

/// A source of trades, and the exchange that runs inside, if one does.
pub struct Opened {
    pub source: Arc<dyn Source>,
    pub sim: Option<Server>,
}

/// Prepares the exchange that the settings name; nothing is connected to yet.
pub async fn open(args: &CollectArgs, context: &Context) -> Result<Opened, CliError> {
    let limits = &args.limits;
    let mut binance = Settings {
        socket: SocketSettings {
            connect_deadline: limits.connect_timeout,
            ping_interval: limits.ping,
            pong_deadline: limits.pong,
            ..SocketSettings::default()
        },
        connect_deadline: limits.connect_timeout,
        ..Settings::default()
    };
    limits.scale(&mut binance);
    args.tampering.exchange(&mut binance);
    if let Some(source) = elsewhere(binance.clone(), context)? {
        return Ok(Opened { source, sim: None });
    }
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start(args.sim.config(&distinct(&args.symbols)), address)
        .await
        .map_err(CliError::from)
        .exit(ExitCode::Usage)
        .hint("correct the --sim- options")?;
    SIM.clone_into(&mut binance.name);
    binance.ws_urls = urls(&[server.ws_url()])?;
    binance.rest_urls = urls(&[server.rest_url()])?;
    binance.weight_per_minute = SIM_WEIGHT_PER_MINUTE;
    Ok(Opened {
        source: source(binance)?,
        sim: Some(server),
    })
}

/// The exchange that the settings name, with bounds as in `binance`; none when it is the sim
/// inside.
pub fn elsewhere(
    binance: Settings,
    context: &Context,
) -> Result<Option<Arc<dyn Source>>, CliError> {
    endpoints(binance, context)?.map(source).transpose()
}

/// The same before anything is made of it: where the exchange is.
pub fn endpoints(mut binance: Settings, context: &Context) -> Result<Option<Settings>, CliError> {
    let settings = &context.settings;
    let name = settings.exchange.value.as_str();
    let are_moved = [&settings.ws_urls, &settings.rest_urls].map(|urls| !urls.value.is_empty());
    let is_moved = are_moved == [true; 2];
    let is_sim = name == SIM;
    if ![BINANCE, SIM].contains(&name) && !is_moved {
        let sentence = format!("the exchange '{name}' is not known here: binance and sim are");
        return Err(CliError::new(ExitCode::Usage, sentence)
            .hint("give --ws-url and --rest-url as well to collect under a name of your own"));
    }
    // The other half would be Binance's, or a sim that nobody asked for.
    if is_sim && !is_moved && are_moved.contains(&true) {
        let sentence = "only one half of the sim exchange is elsewhere";
        return Err(CliError::new(ExitCode::Usage, sentence)
            .hint("give both --ws-url and --rest-url, or neither for a sim inside"));
    }
    if is_sim && !is_moved {
        return Ok(None);
    }
    name.clone_into(&mut binance.name);
    if !settings.ws_urls.value.is_empty() {
        binance.ws_urls = urls(&settings.ws_urls.value)?;
    }
    if !settings.rest_urls.value.is_empty() {
        binance.rest_urls = urls(&settings.rest_urls.value)?;
    }
    Ok(Some(binance))
}

/// The history of the exchange that the settings name, with bounds as in `binance`; none when it
/// is a sim inside a collector. Streams need not be known for that.
pub fn history(
    mut binance: Settings,
    context: &Context,
) -> Result<Option<Arc<dyn Source>>, CliError> {
    let settings = &context.settings;
    let name = settings.exchange.value.as_str();
    let rest_urls = &settings.rest_urls.value;
    match (name, rest_urls.is_empty()) {
        (SIM, true) => return Ok(None),
        (BINANCE, true) => {}
        (_, true) => {
            let sentence = format!("the exchange '{name}' is not known here: binance and sim are");
            return Err(CliError::new(ExitCode::Usage, sentence)
                .hint("give --rest-url as well for one under a name of your own"));
        }
        (_, false) => binance.rest_urls = urls(rest_urls)?,
    }
    name.clone_into(&mut binance.name);
    source(binance).map(Some)
}

/// The exchange at its endpoints.
pub fn source(binance: Settings) -> Result<Arc<dyn Source>, CliError> {
    let source = Binance::new(binance)
        .hint("correct --ws-url and --rest-url")
        .exit(ExitCode::Configuration)?;
    Ok(Arc::new(source))
}

fn urls(texts: &[String]) -> Result<Vec<Url>, CliError> {
    texts
        .iter()
        .map(|text| {
            text.parse().map_err(|error| {
                CliError::new(
                    ExitCode::Configuration,
                    format!("'{text}' is no URL: {error}"),
                )
                .hint("write it as wss://host[:port] or https://host[:port]")
            })
        })
        .collect()
}
