
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'streamkit' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'streamkit'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'streamkit' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('collect', 'collect', [CompletionResultType]::ParameterValue, 'Collect live trades and keep exact range bars of them')
            [CompletionResult]::new('bars', 'bars', [CompletionResultType]::ParameterValue, 'Print bars from the store, or build them from a file of trades')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check that the stored bars are whole and right')
            [CompletionResult]::new('seals', 'seals', [CompletionResultType]::ParameterValue, 'List the seals, or compare two stores')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how the collectors are doing')
            [CompletionResult]::new('watchdog', 'watchdog', [CompletionResultType]::ParameterValue, 'Check that the data in the database are fresh, and restart a unit if that helps')
            [CompletionResult]::new('backfill', 'backfill', [CompletionResultType]::ParameterValue, 'Make the stored bars of a time complete and exact')
            [CompletionResult]::new('spool', 'spool', [CompletionResultType]::ParameterValue, 'Look after the rows that wait for the store')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check whether collecting would work here, and say what to mend')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the settings and where each comes from')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Show or make the tables of the store')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Cause failures and measure what they cost, or test against a sim exchange')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what lets a shell complete commands and options')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write one for each subcommand')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;collect' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'What to build bars with, in decimal basis points [default: 250,500,750,1000]')
            [CompletionResult]::new('--thresholds', '--thresholds', [CompletionResultType]::ParameterName, 'What to build bars with, in decimal basis points [default: 250,500,750,1000]')
            [CompletionResult]::new('--anchor', '--anchor', [CompletionResultType]::ParameterName, 'Where to cut bars, in UTC [default: day]')
            [CompletionResult]::new('--collector', '--collector', [CompletionResultType]::ParameterName, 'Call this collector so in the store [default: the machine''s name]')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'End by itself after so long')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Wait so long for a connection')
            [CompletionResult]::new('--ping', '--ping', [CompletionResultType]::ParameterName, 'Ping the exchange so often')
            [CompletionResult]::new('--pong', '--pong', [CompletionResultType]::ParameterName, 'Wait so long for the pong')
            [CompletionResult]::new('--heartbeat', '--heartbeat', [CompletionResultType]::ParameterName, 'Log a heartbeat line so often when not on a terminal')
            [CompletionResult]::new('--stop-timeout', '--stop-timeout', [CompletionResultType]::ParameterName, 'Take so long at most to stop')
            [CompletionResult]::new('--silence-min', '--silence-min', [CompletionResultType]::ParameterName, 'Ask the exchange about a silent symbol no earlier')
            [CompletionResult]::new('--silence-max', '--silence-max', [CompletionResultType]::ParameterName, 'Ask the exchange about a silent symbol no later')
            [CompletionResult]::new('--silence-grace', '--silence-grace', [CompletionResultType]::ParameterName, 'Give the stream so long for a trade that the exchange has already')
            [CompletionResult]::new('--retry-min', '--retry-min', [CompletionResultType]::ParameterName, 'Pause so long after a failure, doubling; half of it for history')
            [CompletionResult]::new('--retry-max', '--retry-max', [CompletionResultType]::ParameterName, 'Pause no longer after failures')
            [CompletionResult]::new('--commit-interval', '--commit-interval', [CompletionResultType]::ParameterName, 'Commit so often')
            [CompletionResult]::new('--commit-rows', '--commit-rows', [CompletionResultType]::ParameterName, 'Commit early when so many rows wait')
            [CompletionResult]::new('--batch-rows', '--batch-rows', [CompletionResultType]::ParameterName, 'Send a batch when it has so many rows')
            [CompletionResult]::new('--batch-rows-most', '--batch-rows-most', [CompletionResultType]::ParameterName, 'Put at most so many rows into a batch when many have waited')
            [CompletionResult]::new('--batch-age', '--batch-age', [CompletionResultType]::ParameterName, 'Send a batch after so long although it is not full')
            [CompletionResult]::new('--hold-trades', '--hold-trades', [CompletionResultType]::ParameterName, 'Hold so many live trades per symbol while earlier ones are fetched')
            [CompletionResult]::new('--breaker-failures', '--breaker-failures', [CompletionResultType]::ParameterName, 'Leave the store alone after so many failures in a row')
            [CompletionResult]::new('--breaker-open', '--breaker-open', [CompletionResultType]::ParameterName, 'Leave the store alone for so long, then try once')
            [CompletionResult]::new('--delivery-lease', '--delivery-lease', [CompletionResultType]::ParameterName, 'Let ''spool flush'' take over delivery after so long without a sign of life')
            [CompletionResult]::new('--spool-size', '--spool-size', [CompletionResultType]::ParameterName, 'Stop consuming when the spool is so large')
            [CompletionResult]::new('--spool-age', '--spool-age', [CompletionResultType]::ParameterName, 'Stop consuming when the oldest batch in the spool is so old')
            [CompletionResult]::new('--journal-max-pages', '--journal-max-pages', [CompletionResultType]::ParameterName, 'Let the journal have so many pages, as if the disk were full then')
            [CompletionResult]::new('--symbols-per-connection', '--symbols-per-connection', [CompletionResultType]::ParameterName, 'Put so many symbols on one connection')
            [CompletionResult]::new('--absence-interval', '--absence-interval', [CompletionResultType]::ParameterName, 'Ask twice, so far apart, before ids count as absent')
            [CompletionResult]::new('--unconfirmed-after', '--unconfirmed-after', [CompletionResultType]::ParameterName, 'Wait so long for the exchange to know an id that came by stream')
            [CompletionResult]::new('--reset-interval', '--reset-interval', [CompletionResultType]::ParameterName, 'Ask twice, so far apart, before ids count as reset')
            [CompletionResult]::new('--links', '--links', [CompletionResultType]::ParameterName, 'Keep so many connections to the exchange at once; what comes first by any counts')
            [CompletionResult]::new('--renew-after', '--renew-after', [CompletionResultType]::ParameterName, 'Replace a connection after so long, give or take a fiftieth; the new one is made first')
            [CompletionResult]::new('--hang-after', '--hang-after', [CompletionResultType]::ParameterName, 'Count a task as failed when it gets nowhere for so long')
            [CompletionResult]::new('--health-interval', '--health-interval', [CompletionResultType]::ParameterName, 'Write the rows of stream_health so often')
            [CompletionResult]::new('--health-timeout', '--health-timeout', [CompletionResultType]::ParameterName, 'Give up writing them after so long')
            [CompletionResult]::new('--seal-delay', '--seal-delay', [CompletionResultType]::ParameterName, 'Read a period back so long after it is over, to seal it')
            [CompletionResult]::new('--seal-interval', '--seal-interval', [CompletionResultType]::ParameterName, 'Look so often whether what was sealed still is')
            [CompletionResult]::new('--seal-reach', '--seal-reach', [CompletionResultType]::ParameterName, 'Seal periods that ended no longer ago, and the last one')
            [CompletionResult]::new('--time-scale', '--time-scale', [CompletionResultType]::ParameterName, 'Multiply every time by this, to see in minutes what takes hours')
            [CompletionResult]::new('--resume-reach', '--resume-reach', [CompletionResultType]::ParameterName, 'Continue a series that only the store knows when it ends no longer ago')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Serve /health, /status and /metrics on this address, such as 127.0.0.1:8851')
            [CompletionResult]::new('--listen-token-file', '--listen-token-file', [CompletionResultType]::ParameterName, 'Answer only who brings the token in this file; needed off the local machine')
            [CompletionResult]::new('--alerts', '--alerts', [CompletionResultType]::ParameterName, 'Read rules and channels of alerts from this TOML file; without it they are only logged')
            [CompletionResult]::new('--sim-seed', '--sim-seed', [CompletionResultType]::ParameterName, 'The seed of its tape')
            [CompletionResult]::new('--sim-rate', '--sim-rate', [CompletionResultType]::ParameterName, 'Trades a second and symbol, or max for as fast as they are taken')
            [CompletionResult]::new('--sim-history', '--sim-history', [CompletionResultType]::ParameterName, 'Play the tape from its beginning with so many trades past, not by the clock')
            [CompletionResult]::new('--sim-trades-per-day', '--sim-trades-per-day', [CompletionResultType]::ParameterName, 'Trades of a day of a played tape [default: the rate over a day]')
            [CompletionResult]::new('--without', '--without', [CompletionResultType]::ParameterName, 'Take a safeguard away, to see what it is good for')
            [CompletionResult]::new('--wall-offset', '--wall-offset', [CompletionResultType]::ParameterName, 'Add the µs in this file to the wall clock; the file is read again and again')
            [CompletionResult]::new('--hosts', '--hosts', [CompletionResultType]::ParameterName, 'Look hosts up in this file alone: an address and a name a line')
            [CompletionResult]::new('--mischief', '--mischief', [CompletionResultType]::ParameterName, 'Make a task misbehave, for tests')
            [CompletionResult]::new('--crash-at', '--crash-at', [CompletionResultType]::ParameterName, 'Die at a named point, at its N-th visit')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--record-trades', '--record-trades', [CompletionResultType]::ParameterName, 'Store the trades, too')
            [CompletionResult]::new('--no-create', '--no-create', [CompletionResultType]::ParameterName, 'Create no tables in the store; they must be there')
            [CompletionResult]::new('--accept-store', '--accept-store', [CompletionResultType]::ParameterName, 'Go on although the journal belongs to another store: what it has spooled goes to this one')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;bars' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Only these thresholds, in decimal basis points [default: all that are stored]')
            [CompletionResult]::new('--thresholds', '--thresholds', [CompletionResultType]::ParameterName, 'Only these thresholds, in decimal basis points [default: all that are stored]')
            [CompletionResult]::new('--anchor', '--anchor', [CompletionResultType]::ParameterName, 'Only bars that are cut by day or by month [default: both]; none only with --from-tape')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only bars that opened since then: 2h, 2025-01-31, 2025-01-31T12:00:00Z')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Only the newest so many of each series')
            [CompletionResult]::new('--from-tape', '--from-tape', [CompletionResultType]::ParameterName, 'Build the bars from this CSV of trades (a,p,q,f,l,T,m) or a zip of one, without any store')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--no-gate', '--no-gate', [CompletionResultType]::ParameterName, 'Let a bar close even at the time that it opened')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;verify' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Only these thresholds, in decimal basis points [default: all that are stored]')
            [CompletionResult]::new('--thresholds', '--thresholds', [CompletionResultType]::ParameterName, 'Only these thresholds, in decimal basis points [default: all that are stored]')
            [CompletionResult]::new('--anchor', '--anchor', [CompletionResultType]::ParameterName, 'Only bars that are cut by day or by month [default: both]')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Begin with bars that opened then: 2h, 2025-01-31, 2025-01-31T12:00:00Z')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Count proven holes as damage, too')
            [CompletionResult]::new('--seal', '--seal', [CompletionResultType]::ParameterName, 'Seal every closed period that deserves it; the exchange is asked where bars begin')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;seals' {
            [CompletionResult]::new('--anchor', '--anchor', [CompletionResultType]::ParameterName, 'Only seals of days or of months [default: both]')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Begin with the period that held this time: 7d, 2025-01-31')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two stores, and name the first bar of each series that differs')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;seals;diff' {
            [CompletionResult]::new('--anchor', '--anchor', [CompletionResultType]::ParameterName, 'Only bars that are cut by day or by month [default: both]')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Begin with the period that held this time: 7d, 2025-01-31')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Take what only one of them has, or has not whole, for a difference')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;seals;help' {
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two stores, and name the first bar of each series that differs')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;seals;help;diff' {
            break
        }
        'streamkit;seals;help;help' {
            break
        }
        'streamkit;status' {
            [CompletionResult]::new('--collector', '--collector', [CompletionResultType]::ParameterName, 'Only the collector of this name')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Count uptime from then on: 30d, 2025-01-31, 2025-01-31T12:00:00Z')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--remote', '--remote', [CompletionResultType]::ParameterName, 'Ask the store, for collectors on whatever machine')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Say only by the exit code, and in one line, whether it is healthy')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again, until interrupted')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;watchdog' {
            [CompletionResult]::new('--unit', '--unit', [CompletionResultType]::ParameterName, 'Restart this service of systemd')
            [CompletionResult]::new('--container', '--container', [CompletionResultType]::ParameterName, 'Restart this container, with docker or podman')
            [CompletionResult]::new('--restart-command', '--restart-command', [CompletionResultType]::ParameterName, 'Restart by this command; no shell reads it')
            [CompletionResult]::new('--restart-timeout', '--restart-timeout', [CompletionResultType]::ParameterName, 'How long a restart may take')
            [CompletionResult]::new('--restarts-per-hour', '--restarts-per-hour', [CompletionResultType]::ParameterName, 'So many restarts are made within an hour at most')
            [CompletionResult]::new('--restarts-apart', '--restarts-apart', [CompletionResultType]::ParameterName, 'How far two restarts are apart at least')
            [CompletionResult]::new('--recheck', '--recheck', [CompletionResultType]::ParameterName, 'How long to wait after a restart for fresh data')
            [CompletionResult]::new('--hold', '--hold', [CompletionResultType]::ParameterName, 'Restart nothing for so long, whatever happens; look and tell nevertheless')
            [CompletionResult]::new('--why', '--why', [CompletionResultType]::ParameterName, 'Why it is held')
            [CompletionResult]::new('--table', '--table', [CompletionResultType]::ParameterName, 'Look at this table or view of the store in place of stream_health')
            [CompletionResult]::new('--time-column', '--time-column', [CompletionResultType]::ParameterName, 'The column that dates a row: a date and time, or s, ms or µs since 1970 as a number')
            [CompletionResult]::new('--symbol-column', '--symbol-column', [CompletionResultType]::ParameterName, 'The column that names it; without it all rows go by the name of the table')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Only rows for which this holds, in the SQL of the store')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Look at what this statement returns: a name and a time in each row. It changes nothing')
            [CompletionResult]::new('--symbol', '--symbol', [CompletionResultType]::ParameterName, 'Look only at this symbol, and miss it when it is absent; may be given several times')
            [CompletionResult]::new('--warn', '--warn', [CompletionResultType]::ParameterName, 'From which age on data are worth a warning')
            [CompletionResult]::new('--crit', '--crit', [CompletionResultType]::ParameterName, 'From which age on they are critical')
            [CompletionResult]::new('--freshness', '--freshness', [CompletionResultType]::ParameterName, 'Other ages for one symbol: SYMBOL=WARN/CRIT; may be given several times')
            [CompletionResult]::new('--query-timeout', '--query-timeout', [CompletionResultType]::ParameterName, 'How long the database may take to answer')
            [CompletionResult]::new('--breaker', '--breaker', [CompletionResultType]::ParameterName, 'How long the collectors'' breaker stays open; a restart waits for it, and a heartbeat')
            [CompletionResult]::new('--heartbeat', '--heartbeat', [CompletionResultType]::ParameterName, 'How often the collectors write their heartbeat')
            [CompletionResult]::new('--backlog', '--backlog', [CompletionResultType]::ParameterName, 'Rows that wait in a collector''s spool are a backlog from so many on')
            [CompletionResult]::new('--check-seals', '--check-seals', [CompletionResultType]::ParameterName, 'Warn of periods that ended within this time, and have holes or no seal for other reasons')
            [CompletionResult]::new('--seals-timeout', '--seals-timeout', [CompletionResultType]::ParameterName, 'How long looking at seals may take: bars are read where one is missing')
            [CompletionResult]::new('--textfile', '--textfile', [CompletionResultType]::ParameterName, 'Write the result for node_exporter to this file, whose name ends in .prom')
            [CompletionResult]::new('--alerts', '--alerts', [CompletionResultType]::ParameterName, 'The TOML file with rules and channels of alerts, as for ''collect''')
            [CompletionResult]::new('--clock-ahead-s', '--clock-ahead-s', [CompletionResultType]::ParameterName, 'Take this machine''s clock to be so many seconds ahead. Only for tests')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The service is one of the user''s own manager')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be restarted, and restart nothing')
            [CompletionResult]::new('--release', '--release', [CompletionResultType]::ParameterName, 'End a hold')
            [CompletionResult]::new('--ask-exchange', '--ask-exchange', [CompletionResultType]::ParameterName, 'Ask the exchange whether a symbol without trades is dead or quiet')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;backfill' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'What to build bars with, in decimal basis points [default: those of the settings]')
            [CompletionResult]::new('--thresholds', '--thresholds', [CompletionResultType]::ParameterName, 'What to build bars with, in decimal basis points [default: those of the settings]')
            [CompletionResult]::new('--anchor', '--anchor', [CompletionResultType]::ParameterName, 'Where bars are cut, in UTC [default: day]')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'From the period of this time up to now: 7d, 2025-01-31 [default: 7d]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'From the period of this time on: 2025-01-31, 2025-01-31T12:00:00Z')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Up to this time; the period that it lies in is made whole [default: now]')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Where trades come from: auto takes the daily archive where it helps, REST for the rest')
            [CompletionResult]::new('--from-file', '--from-file', [CompletionResultType]::ParameterName, 'Take trades from these files, CSV or zip, and only what they lack by REST')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Where files of the archive are kept [default: the user''s cache directory]')
            [CompletionResult]::new('--cache-size', '--cache-size', [CompletionResultType]::ParameterName, 'How much of them is kept')
            [CompletionResult]::new('--weight-limit', '--weight-limit', [CompletionResultType]::ParameterName, 'The weight of requests that may be used in a minute; a collector here uses up to 4800 of the exchange''s 6000')
            [CompletionResult]::new('--few-trades', '--few-trades', [CompletionResultType]::ParameterName, 'Of at most so many trades REST is taken to bring them sooner than a day''s file')
            [CompletionResult]::new('--cooldown', '--cooldown', [CompletionResultType]::ParameterName, 'Leave a threshold alone for so long after it was completed up to now; 0s for not at all')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'How many symbols have their turn at once; all of them take turns')
            [CompletionResult]::new('--slice', '--slice', [CompletionResultType]::ParameterName, 'The trades of a symbol''s turn')
            [CompletionResult]::new('--patience', '--patience', [CompletionResultType]::ParameterName, 'How long a store or an exchange may fail before a symbol is given up')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--all-thresholds', '--all-thresholds', [CompletionResultType]::ParameterName, 'Those of the settings, and all that the store has of the symbol')
            [CompletionResult]::new('--rebuild', '--rebuild', [CompletionResultType]::ParameterName, 'Build everything again, also what is sealed or seems right, or was completed just now')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would be done')
            [CompletionResult]::new('--no-create', '--no-create', [CompletionResultType]::ParameterName, 'Create no tables in the store; they must be there')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Ask for a backfill; a worker makes it when it is its turn')
            [CompletionResult]::new('worker', 'worker', [CompletionResultType]::ParameterValue, 'Take requests for backfills, and carry them out')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show requests for backfills, and the workers that take them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;backfill;request' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'These thresholds, in decimal basis points; 0 for all [default: all of the symbol]')
            [CompletionResult]::new('--thresholds', '--thresholds', [CompletionResultType]::ParameterName, 'These thresholds, in decimal basis points; 0 for all [default: all of the symbol]')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'From then on: 7d, 2025-01-31, 2025-01-31T12:00:00Z [default: the worker decides]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;backfill;worker' {
            [CompletionResult]::new('--poll', '--poll', [CompletionResultType]::ParameterName, 'How often to look for requests')
            [CompletionResult]::new('--lease', '--lease', [CompletionResultType]::ParameterName, 'For how long a request is this worker''s without a sign of life')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'How many symbols have their turn at once; all that were asked for take turns')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'How far back, for requests that do not say so')
            [CompletionResult]::new('--anchor', '--anchor', [CompletionResultType]::ParameterName, 'Where bars are cut, in UTC [default: day]')
            [CompletionResult]::new('--cooldown', '--cooldown', [CompletionResultType]::ParameterName, 'Leave a threshold alone for so long after it was completed; 0s for not at all')
            [CompletionResult]::new('--patience', '--patience', [CompletionResultType]::ParameterName, 'How long a store or an exchange may fail before a request is given up')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Where trades come from: auto takes the daily archive where it helps, REST for the rest')
            [CompletionResult]::new('--from-file', '--from-file', [CompletionResultType]::ParameterName, 'Take trades from these files, CSV or zip, and only what they lack by REST')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Where files of the archive are kept [default: the user''s cache directory]')
            [CompletionResult]::new('--cache-size', '--cache-size', [CompletionResultType]::ParameterName, 'How much of them is kept')
            [CompletionResult]::new('--weight-limit', '--weight-limit', [CompletionResultType]::ParameterName, 'The weight of requests that may be used in a minute; a collector here uses up to 4800 of the exchange''s 6000')
            [CompletionResult]::new('--few-trades', '--few-trades', [CompletionResultType]::ParameterName, 'Of at most so many trades REST is taken to bring them sooner than a day''s file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'End when nothing is left to take')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;backfill;status' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show it again and again until nothing waits or is under way')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Show all that have ever ended')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Exit with 1 when one waits without a worker or has failed in the last 24 h')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;backfill;help' {
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Ask for a backfill; a worker makes it when it is its turn')
            [CompletionResult]::new('worker', 'worker', [CompletionResultType]::ParameterValue, 'Take requests for backfills, and carry them out')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show requests for backfills, and the workers that take them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;backfill;help;request' {
            break
        }
        'streamkit;backfill;help;worker' {
            break
        }
        'streamkit;backfill;help;status' {
            break
        }
        'streamkit;backfill;help;help' {
            break
        }
        'streamkit;spool' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the batches: their rows, size, age, attempts, last error and state')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the rows of a batch as JSON lines')
            [CompletionResult]::new('flush', 'flush', [CompletionResultType]::ParameterValue, 'Deliver what waits now, in order')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check that the journal is what was written; exit code 1 when it is not')
            [CompletionResult]::new('drop', 'drop', [CompletionResultType]::ParameterValue, 'Give batches up: their rows will never reach the store')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;spool;ls' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'streamkit;spool;show' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'streamkit;spool;flush' {
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after so long')
            [CompletionResult]::new('--retry-min', '--retry-min', [CompletionResultType]::ParameterName, 'Pause so long after a failure, doubling')
            [CompletionResult]::new('--breaker-open', '--breaker-open', [CompletionResultType]::ParameterName, 'Leave the store alone for so long after five failures in a row')
            [CompletionResult]::new('--delivery-lease', '--delivery-lease', [CompletionResultType]::ParameterName, 'Let others take over delivery after so long without a sign of life')
            [CompletionResult]::new('--crash-at', '--crash-at', [CompletionResultType]::ParameterName, 'Die at a named point, at its N-th visit')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--dead', '--dead', [CompletionResultType]::ParameterName, 'Try rows again that the store has refused, too')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;spool;verify' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'streamkit;spool;drop' {
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Wait so long for whoever delivers at the moment')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Yes, give them up')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;spool;help' {
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the batches: their rows, size, age, attempts, last error and state')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the rows of a batch as JSON lines')
            [CompletionResult]::new('flush', 'flush', [CompletionResultType]::ParameterValue, 'Deliver what waits now, in order')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check that the journal is what was written; exit code 1 when it is not')
            [CompletionResult]::new('drop', 'drop', [CompletionResultType]::ParameterValue, 'Give batches up: their rows will never reach the store')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;spool;help;ls' {
            break
        }
        'streamkit;spool;help;show' {
            break
        }
        'streamkit;spool;help;flush' {
            break
        }
        'streamkit;spool;help;verify' {
            break
        }
        'streamkit;spool;help;drop' {
            break
        }
        'streamkit;spool;help;help' {
            break
        }
        'streamkit;doctor' {
            [CompletionResult]::new('--alerts', '--alerts', [CompletionResultType]::ParameterName, 'The TOML file with rules and channels of alerts, as for ''collect''')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'How long each check may take')
            [CompletionResult]::new('--hosts', '--hosts', [CompletionResultType]::ParameterName, 'Look the exchange''s hosts up in this file alone: an address and a name a line')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--send-test-alert', '--send-test-alert', [CompletionResultType]::ParameterName, 'Only send an alert that is marked as a test through every channel of --alerts')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;config' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print each setting with its value and origin, without secrets')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Look whether a settings file is right, and name everything that is not')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;config;show' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'streamkit;config;check' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'streamkit;config;help' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print each setting with its value and origin, without secrets')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Look whether a settings file is right, and name everything that is not')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;config;help;show' {
            break
        }
        'streamkit;config;help;check' {
            break
        }
        'streamkit;config;help;help' {
            break
        }
        'streamkit;schema' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('print', 'print', [CompletionResultType]::ParameterValue, 'Print the statements that make the tables and views')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Make what is missing in the store that --store names')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;schema;print' {
            [CompletionResult]::new('--store-kind', '--store-kind', [CompletionResultType]::ParameterName, 'The kind of store: clickhouse or sqlite')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'For replicated tables on every server of this ClickHouse cluster. streamkit''s tests do not run these statements: read them first')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;schema;apply' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;schema;help' {
            [CompletionResult]::new('print', 'print', [CompletionResultType]::ParameterValue, 'Print the statements that make the tables and views')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Make what is missing in the store that --store names')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;schema;help;print' {
            break
        }
        'streamkit;schema;help;apply' {
            break
        }
        'streamkit;schema;help;help' {
            break
        }
        'streamkit;probe' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Cause failures, and measure how they are seen, mended and survived')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the failures that can be caused')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run a Binance-compatible sim exchange')
            [CompletionResult]::new('tape', 'tape', [CompletionResultType]::ParameterValue, 'Write the sim''s tape to stdout as CSV: a,p,q,f,l,T,m,M, times in microseconds')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;probe;run' {
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Run these')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Do not run these')
            [CompletionResult]::new('--runs', '--runs', [CompletionResultType]::ParameterName, 'Run each so often, each time with another seed')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'The seed of the first run: the same one makes the same trades')
            [CompletionResult]::new('--time-scale', '--time-scale', [CompletionResultType]::ParameterName, 'Multiply every time by this, from 0.1 to 1; what is measured is told unscaled')
            [CompletionResult]::new('--budget', '--budget', [CompletionResultType]::ParameterName, 'Read changes of budgets from this TOML file')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'What to build bars with, in decimal basis points besides 10 [default: as for collect]')
            [CompletionResult]::new('--thresholds', '--thresholds', [CompletionResultType]::ParameterName, 'What to build bars with, in decimal basis points besides 10 [default: as for collect]')
            [CompletionResult]::new('--evidence', '--evidence', [CompletionResultType]::ParameterName, 'Keep what is left of failed runs below this directory [default: a new one in the system''s]')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write the matrix with a timeline of every scenario to this HTML file, too')
            [CompletionResult]::new('--clickhouse-server', '--clickhouse-server', [CompletionResultType]::ParameterName, 'Start this ClickHouse for the runs, with a shell that tells it PORT and DATA')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Run every scenario, not the core alone')
            [CompletionResult]::new('--bare', '--bare', [CompletionResultType]::ParameterName, 'Take the remedies away that the scenarios test')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;probe;list' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'streamkit;probe;serve' {
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'The address to listen on; port 0 takes any free one')
            [CompletionResult]::new('--tape', '--tape', [CompletionResultType]::ParameterName, 'Play this CSV file: a,p,q,f,l,T,m[,M]')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'The seed of the random tape')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Trades a second and symbol, or "max" for as fast as they are taken')
            [CompletionResult]::new('--day', '--day', [CompletionResultType]::ParameterName, 'The UTC day that a played random tape begins with; by default today')
            [CompletionResult]::new('--trades-per-day', '--trades-per-day', [CompletionResultType]::ParameterName, 'Trades of each day of a played random tape; by default rate × 86400')
            [CompletionResult]::new('--symbols', '--symbols', [CompletionResultType]::ParameterName, 'The symbols to serve')
            [CompletionResult]::new('--history', '--history', [CompletionResultType]::ParameterName, 'How many trades of the tape are already past at the start')
            [CompletionResult]::new('--length', '--length', [CompletionResultType]::ParameterName, 'End the tape after so many trades a symbol; the streams stay open and quiet')
            [CompletionResult]::new('--ping', '--ping', [CompletionResultType]::ParameterName, 'How often streams are pinged')
            [CompletionResult]::new('--pong-timeout', '--pong-timeout', [CompletionResultType]::ParameterName, 'How long a ping may stay unanswered')
            [CompletionResult]::new('--client-message-limit', '--client-message-limit', [CompletionResultType]::ParameterName, 'How many messages, pings and pongs a client may send in a second')
            [CompletionResult]::new('--lifetime', '--lifetime', [CompletionResultType]::ParameterName, 'How long a stream connection lives')
            [CompletionResult]::new('--stream-delay', '--stream-delay', [CompletionResultType]::ParameterName, 'Let the streams lag behind the history that REST serves')
            [CompletionResult]::new('--weight-limit', '--weight-limit', [CompletionResultType]::ParameterName, 'Request weight allowed a minute and address')
            [CompletionResult]::new('--connection-limit', '--connection-limit', [CompletionResultType]::ParameterName, 'Stream connections allowed in five minutes and address')
            [CompletionResult]::new('--fault', '--fault', [CompletionResultType]::ParameterName, 'Have this fault from the start, such as half_open or skip:every=100,symbol=BTCUSDT, or on the way to the exchange: fin, rst, deaf, mute, blackhole, slow_handshake, latency:delay_ms=500 or bandwidth:bytes_per_second=N, each with after_ms and for_ms if it is not to last; may be given several times')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Stop by itself after so long')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;probe;tape' {
            [CompletionResult]::new('--tape', '--tape', [CompletionResultType]::ParameterName, 'Play this CSV file: a,p,q,f,l,T,m[,M]')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'The seed of the random tape')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Trades a second and symbol, or "max" for as fast as they are taken')
            [CompletionResult]::new('--day', '--day', [CompletionResultType]::ParameterName, 'The UTC day that a played random tape begins with; by default today')
            [CompletionResult]::new('--trades-per-day', '--trades-per-day', [CompletionResultType]::ParameterName, 'Trades of each day of a played random tape; by default rate × 86400')
            [CompletionResult]::new('--symbol', '--symbol', [CompletionResultType]::ParameterName, 'The symbol to write')
            [CompletionResult]::new('--from-id', '--from-id', [CompletionResultType]::ParameterName, 'The first id to write; by default the first of a played tape, or of today')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'How many trades to write at most')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--played', '--played', [CompletionResultType]::ParameterName, 'A played tape begins with --day (by default today), as under serve --history; without this it reaches back to 1970, as under serve alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'streamkit;probe;help' {
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Cause failures, and measure how they are seen, mended and survived')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the failures that can be caused')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run a Binance-compatible sim exchange')
            [CompletionResult]::new('tape', 'tape', [CompletionResultType]::ParameterValue, 'Write the sim''s tape to stdout as CSV: a,p,q,f,l,T,m,M, times in microseconds')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;probe;help;run' {
            break
        }
        'streamkit;probe;help;list' {
            break
        }
        'streamkit;probe;help;serve' {
            break
        }
        'streamkit;probe;help;tape' {
            break
        }
        'streamkit;probe;help;help' {
            break
        }
        'streamkit;completions' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;man' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Write all pages into this directory, which is made if it is missing')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print results; csv is for bars, nagios for watchdog')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this file [default: streamkit.toml in the directory for settings]')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The directory of the journal')
            [CompletionResult]::new('--exchange', '--exchange', [CompletionResultType]::ParameterName, 'The exchange: binance, or sim for a made-up one [default: binance]')
            [CompletionResult]::new('--ws-url', '--ws-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s streams; may be given several times')
            [CompletionResult]::new('--rest-url', '--rest-url', [CompletionResultType]::ParameterName, 'An address of the exchange''s requests; may be given several times')
            [CompletionResult]::new('--archive-url', '--archive-url', [CompletionResultType]::ParameterName, 'The address of the exchange''s archive')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How the log is written [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more; twice for everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log less; twice for errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'streamkit;help' {
            [CompletionResult]::new('collect', 'collect', [CompletionResultType]::ParameterValue, 'Collect live trades and keep exact range bars of them')
            [CompletionResult]::new('bars', 'bars', [CompletionResultType]::ParameterValue, 'Print bars from the store, or build them from a file of trades')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check that the stored bars are whole and right')
            [CompletionResult]::new('seals', 'seals', [CompletionResultType]::ParameterValue, 'List the seals, or compare two stores')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how the collectors are doing')
            [CompletionResult]::new('watchdog', 'watchdog', [CompletionResultType]::ParameterValue, 'Check that the data in the database are fresh, and restart a unit if that helps')
            [CompletionResult]::new('backfill', 'backfill', [CompletionResultType]::ParameterValue, 'Make the stored bars of a time complete and exact')
            [CompletionResult]::new('spool', 'spool', [CompletionResultType]::ParameterValue, 'Look after the rows that wait for the store')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check whether collecting would work here, and say what to mend')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the settings and where each comes from')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Show or make the tables of the store')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Cause failures and measure what they cost, or test against a sim exchange')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what lets a shell complete commands and options')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write one for each subcommand')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'streamkit;help;collect' {
            break
        }
        'streamkit;help;bars' {
            break
        }
        'streamkit;help;verify' {
            break
        }
        'streamkit;help;seals' {
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two stores, and name the first bar of each series that differs')
            break
        }
        'streamkit;help;seals;diff' {
            break
        }
        'streamkit;help;status' {
            break
        }
        'streamkit;help;watchdog' {
            break
        }
        'streamkit;help;backfill' {
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Ask for a backfill; a worker makes it when it is its turn')
            [CompletionResult]::new('worker', 'worker', [CompletionResultType]::ParameterValue, 'Take requests for backfills, and carry them out')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show requests for backfills, and the workers that take them')
            break
        }
        'streamkit;help;backfill;request' {
            break
        }
        'streamkit;help;backfill;worker' {
            break
        }
        'streamkit;help;backfill;status' {
            break
        }
        'streamkit;help;spool' {
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the batches: their rows, size, age, attempts, last error and state')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the rows of a batch as JSON lines')
            [CompletionResult]::new('flush', 'flush', [CompletionResultType]::ParameterValue, 'Deliver what waits now, in order')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check that the journal is what was written; exit code 1 when it is not')
            [CompletionResult]::new('drop', 'drop', [CompletionResultType]::ParameterValue, 'Give batches up: their rows will never reach the store')
            break
        }
        'streamkit;help;spool;ls' {
            break
        }
        'streamkit;help;spool;show' {
            break
        }
        'streamkit;help;spool;flush' {
            break
        }
        'streamkit;help;spool;verify' {
            break
        }
        'streamkit;help;spool;drop' {
            break
        }
        'streamkit;help;doctor' {
            break
        }
        'streamkit;help;config' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print each setting with its value and origin, without secrets')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Look whether a settings file is right, and name everything that is not')
            break
        }
        'streamkit;help;config;show' {
            break
        }
        'streamkit;help;config;check' {
            break
        }
        'streamkit;help;schema' {
            [CompletionResult]::new('print', 'print', [CompletionResultType]::ParameterValue, 'Print the statements that make the tables and views')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Make what is missing in the store that --store names')
            break
        }
        'streamkit;help;schema;print' {
            break
        }
        'streamkit;help;schema;apply' {
            break
        }
        'streamkit;help;probe' {
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Cause failures, and measure how they are seen, mended and survived')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the failures that can be caused')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run a Binance-compatible sim exchange')
            [CompletionResult]::new('tape', 'tape', [CompletionResultType]::ParameterValue, 'Write the sim''s tape to stdout as CSV: a,p,q,f,l,T,m,M, times in microseconds')
            break
        }
        'streamkit;help;probe;run' {
            break
        }
        'streamkit;help;probe;list' {
            break
        }
        'streamkit;help;probe;serve' {
            break
        }
        'streamkit;help;probe;tape' {
            break
        }
        'streamkit;help;completions' {
            break
        }
        'streamkit;help;man' {
            break
        }
        'streamkit;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
