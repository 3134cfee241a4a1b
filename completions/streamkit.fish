# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_streamkit_global_optspecs
    string join \n o/output= config= store= state-dir= exchange= ws-url= rest-url= archive-url= v/verbose q/quiet log-format= color= h/help V/version
end

function __fish_streamkit_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_streamkit_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_streamkit_using_subcommand
    set -l cmd (__fish_streamkit_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c streamkit -n "__fish_streamkit_needs_command" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_needs_command" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_needs_command" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_needs_command" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_needs_command" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_needs_command" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_needs_command" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_needs_command" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_needs_command" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_needs_command" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_needs_command" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_needs_command" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_needs_command" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_needs_command" -s V -l version -d 'Print version'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "collect" -d 'Collect live trades and keep exact range bars of them'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "bars" -d 'Print bars from the store, or build them from a file of trades'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "verify" -d 'Check that the stored bars are whole and right'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "seals" -d 'List the seals, or compare two stores'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "status" -d 'Show how the collectors are doing'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "watchdog" -d 'Check that the data in the database are fresh, and restart a unit if that helps'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "backfill" -d 'Make the stored bars of a time complete and exact'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "spool" -d 'Look after the rows that wait for the store'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "doctor" -d 'Check whether collecting would work here, and say what to mend'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "config" -d 'Show the settings and where each comes from'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "schema" -d 'Show or make the tables of the store'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "probe" -d 'Cause failures and measure what they cost, or test against a sim exchange'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "completions" -d 'Print what lets a shell complete commands and options'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "man" -d 'Print the manual page, or write one for each subcommand'
complete -c streamkit -n "__fish_streamkit_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -s t -l thresholds -d 'What to build bars with, in decimal basis points [default: 250,500,750,1000]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l anchor -d 'Where to cut bars, in UTC [default: day]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l collector -d 'Call this collector so in the store [default: the machine\'s name]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l for -d 'End by itself after so long' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l connect-timeout -d 'Wait so long for a connection' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l ping -d 'Ping the exchange so often' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l pong -d 'Wait so long for the pong' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l heartbeat -d 'Log a heartbeat line so often when not on a terminal' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l stop-timeout -d 'Take so long at most to stop' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l silence-min -d 'Ask the exchange about a silent symbol no earlier' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l silence-max -d 'Ask the exchange about a silent symbol no later' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l silence-grace -d 'Give the stream so long for a trade that the exchange has already' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l retry-min -d 'Pause so long after a failure, doubling; half of it for history' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l retry-max -d 'Pause no longer after failures' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l commit-interval -d 'Commit so often' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l commit-rows -d 'Commit early when so many rows wait' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l batch-rows -d 'Send a batch when it has so many rows' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l batch-rows-most -d 'Put at most so many rows into a batch when many have waited' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l batch-age -d 'Send a batch after so long although it is not full' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l hold-trades -d 'Hold so many live trades per symbol while earlier ones are fetched' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l breaker-failures -d 'Leave the store alone after so many failures in a row' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l breaker-open -d 'Leave the store alone for so long, then try once' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l delivery-lease -d 'Let \'spool flush\' take over delivery after so long without a sign of life' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l spool-size -d 'Stop consuming when the spool is so large' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l spool-age -d 'Stop consuming when the oldest batch in the spool is so old' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l journal-max-pages -d 'Let the journal have so many pages, as if the disk were full then' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l symbols-per-connection -d 'Put so many symbols on one connection' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l absence-interval -d 'Ask twice, so far apart, before ids count as absent' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l unconfirmed-after -d 'Wait so long for the exchange to know an id that came by stream' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l reset-interval -d 'Ask twice, so far apart, before ids count as reset' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l links -d 'Keep so many connections to the exchange at once; what comes first by any counts' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l renew-after -d 'Replace a connection after so long, give or take a fiftieth; the new one is made first' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l hang-after -d 'Count a task as failed when it gets nowhere for so long' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l health-interval -d 'Write the rows of stream_health so often' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l health-timeout -d 'Give up writing them after so long' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l seal-delay -d 'Read a period back so long after it is over, to seal it' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l seal-interval -d 'Look so often whether what was sealed still is' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l seal-reach -d 'Seal periods that ended no longer ago, and the last one' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l time-scale -d 'Multiply every time by this, to see in minutes what takes hours' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l resume-reach -d 'Continue a series that only the store knows when it ends no longer ago' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l listen -d 'Serve /health, /status and /metrics on this address, such as 127.0.0.1:8851' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l listen-token-file -d 'Answer only who brings the token in this file; needed off the local machine' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l alerts -d 'Read rules and channels of alerts from this TOML file; without it they are only logged' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l sim-seed -d 'The seed of its tape' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l sim-rate -d 'Trades a second and symbol, or max for as fast as they are taken' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l sim-history -d 'Play the tape from its beginning with so many trades past, not by the clock' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l sim-trades-per-day -d 'Trades of a day of a played tape [default: the rate over a day]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l without -d 'Take a safeguard away, to see what it is good for' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l wall-offset -d 'Add the µs in this file to the wall clock; the file is read again and again' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l hosts -d 'Look hosts up in this file alone: an address and a name a line' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l mischief -d 'Make a task misbehave, for tests' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l crash-at -d 'Die at a named point, at its N-th visit' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l record-trades -d 'Store the trades, too'
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l no-create -d 'Create no tables in the store; they must be there'
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -l accept-store -d 'Go on although the journal belongs to another store: what it has spooled goes to this one'
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand collect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -s t -l thresholds -d 'Only these thresholds, in decimal basis points [default: all that are stored]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l anchor -d 'Only bars that are cut by day or by month [default: both]; none only with --from-tape' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l since -d 'Only bars that opened since then: 2h, 2025-01-31, 2025-01-31T12:00:00Z' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l limit -d 'Only the newest so many of each series' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l from-tape -d 'Build the bars from this CSV of trades (a,p,q,f,l,T,m) or a zip of one, without any store' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -l no-gate -d 'Let a bar close even at the time that it opened'
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand bars" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -s t -l thresholds -d 'Only these thresholds, in decimal basis points [default: all that are stored]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l anchor -d 'Only bars that are cut by day or by month [default: both]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l since -d 'Begin with bars that opened then: 2h, 2025-01-31, 2025-01-31T12:00:00Z' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l strict -d 'Count proven holes as damage, too'
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -l seal -d 'Seal every closed period that deserves it; the exchange is asked where bars begin'
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l anchor -d 'Only seals of days or of months [default: both]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l since -d 'Begin with the period that held this time: 7d, 2025-01-31' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -a "diff" -d 'Compare two stores, and name the first bar of each series that differs'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and not __fish_seen_subcommand_from diff help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l anchor -d 'Only bars that are cut by day or by month [default: both]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l since -d 'Begin with the period that held this time: 7d, 2025-01-31' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -l strict -d 'Take what only one of them has, or has not whole, for a difference'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Compare two stores, and name the first bar of each series that differs'
complete -c streamkit -n "__fish_streamkit_using_subcommand seals; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l collector -d 'Only the collector of this name' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l since -d 'Count uptime from then on: 30d, 2025-01-31, 2025-01-31T12:00:00Z' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l remote -d 'Ask the store, for collectors on whatever machine'
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l check -d 'Say only by the exit code, and in one line, whether it is healthy'
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -l watch -d 'Show it again and again, until interrupted'
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l unit -d 'Restart this service of systemd' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l container -d 'Restart this container, with docker or podman' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l restart-command -d 'Restart by this command; no shell reads it' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l restart-timeout -d 'How long a restart may take' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l restarts-per-hour -d 'So many restarts are made within an hour at most' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l restarts-apart -d 'How far two restarts are apart at least' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l recheck -d 'How long to wait after a restart for fresh data' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l hold -d 'Restart nothing for so long, whatever happens; look and tell nevertheless' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l why -d 'Why it is held' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l table -d 'Look at this table or view of the store in place of stream_health' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l time-column -d 'The column that dates a row: a date and time, or s, ms or µs since 1970 as a number' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l symbol-column -d 'The column that names it; without it all rows go by the name of the table' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l where -d 'Only rows for which this holds, in the SQL of the store' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l query -d 'Look at what this statement returns: a name and a time in each row. It changes nothing' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l symbol -d 'Look only at this symbol, and miss it when it is absent; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l warn -d 'From which age on data are worth a warning' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l crit -d 'From which age on they are critical' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l freshness -d 'Other ages for one symbol: SYMBOL=WARN/CRIT; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l query-timeout -d 'How long the database may take to answer' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l breaker -d 'How long the collectors\' breaker stays open; a restart waits for it, and a heartbeat' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l heartbeat -d 'How often the collectors write their heartbeat' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l backlog -d 'Rows that wait in a collector\'s spool are a backlog from so many on' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l check-seals -d 'Warn of periods that ended within this time, and have holes or no seal for other reasons' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l seals-timeout -d 'How long looking at seals may take: bars are read where one is missing' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l textfile -d 'Write the result for node_exporter to this file, whose name ends in .prom' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l alerts -d 'The TOML file with rules and channels of alerts, as for \'collect\'' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l clock-ahead-s -d 'Take this machine\'s clock to be so many seconds ahead. Only for tests' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l user -d 'The service is one of the user\'s own manager'
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l dry-run -d 'Say what would be restarted, and restart nothing'
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l release -d 'End a hold'
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -l ask-exchange -d 'Ask the exchange whether a symbol without trades is dead or quiet'
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand watchdog" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -s t -l thresholds -d 'What to build bars with, in decimal basis points [default: those of the settings]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l anchor -d 'Where bars are cut, in UTC [default: day]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l since -d 'From the period of this time up to now: 7d, 2025-01-31 [default: 7d]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l from -d 'From the period of this time on: 2025-01-31, 2025-01-31T12:00:00Z' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l to -d 'Up to this time; the period that it lies in is made whole [default: now]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l source -d 'Where trades come from: auto takes the daily archive where it helps, REST for the rest' -r -f -a "auto\t''
archive\t''
rest\t''"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l from-file -d 'Take trades from these files, CSV or zip, and only what they lack by REST' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l cache-dir -d 'Where files of the archive are kept [default: the user\'s cache directory]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l cache-size -d 'How much of them is kept' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l weight-limit -d 'The weight of requests that may be used in a minute; a collector here uses up to 4800 of the exchange\'s 6000' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l few-trades -d 'Of at most so many trades REST is taken to bring them sooner than a day\'s file' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l cooldown -d 'Leave a threshold alone for so long after it was completed up to now; 0s for not at all' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l parallel -d 'How many symbols have their turn at once; all of them take turns' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l slice -d 'The trades of a symbol\'s turn' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l patience -d 'How long a store or an exchange may fail before a symbol is given up' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l all-thresholds -d 'Those of the settings, and all that the store has of the symbol'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l rebuild -d 'Build everything again, also what is sealed or seems right, or was completed just now'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l dry-run -d 'Only say what would be done'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -l no-create -d 'Create no tables in the store; they must be there'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -a "request" -d 'Ask for a backfill; a worker makes it when it is its turn'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -a "worker" -d 'Take requests for backfills, and carry them out'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -a "status" -d 'Show requests for backfills, and the workers that take them'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and not __fish_seen_subcommand_from request worker status help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -s t -l thresholds -d 'These thresholds, in decimal basis points; 0 for all [default: all of the symbol]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l since -d 'From then on: 7d, 2025-01-31, 2025-01-31T12:00:00Z [default: the worker decides]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from request" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l poll -d 'How often to look for requests' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l lease -d 'For how long a request is this worker\'s without a sign of life' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l parallel -d 'How many symbols have their turn at once; all that were asked for take turns' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l since -d 'How far back, for requests that do not say so' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l anchor -d 'Where bars are cut, in UTC [default: day]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l cooldown -d 'Leave a threshold alone for so long after it was completed; 0s for not at all' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l patience -d 'How long a store or an exchange may fail before a request is given up' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l source -d 'Where trades come from: auto takes the daily archive where it helps, REST for the rest' -r -f -a "auto\t''
archive\t''
rest\t''"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l from-file -d 'Take trades from these files, CSV or zip, and only what they lack by REST' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l cache-dir -d 'Where files of the archive are kept [default: the user\'s cache directory]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l cache-size -d 'How much of them is kept' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l weight-limit -d 'The weight of requests that may be used in a minute; a collector here uses up to 4800 of the exchange\'s 6000' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l few-trades -d 'Of at most so many trades REST is taken to bring them sooner than a day\'s file' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -l once -d 'End when nothing is left to take'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from worker" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l watch -d 'Show it again and again until nothing waits or is under way'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l all -d 'Show all that have ever ended'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -l check -d 'Exit with 1 when one waits without a worker or has failed in the last 24 h'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from help" -f -a "request" -d 'Ask for a backfill; a worker makes it when it is its turn'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from help" -f -a "worker" -d 'Take requests for backfills, and carry them out'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show requests for backfills, and the workers that take them'
complete -c streamkit -n "__fish_streamkit_using_subcommand backfill; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -f -a "ls" -d 'List the batches: their rows, size, age, attempts, last error and state'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -f -a "show" -d 'Print the rows of a batch as JSON lines'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -f -a "flush" -d 'Deliver what waits now, in order'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -f -a "verify" -d 'Check that the journal is what was written; exit code 1 when it is not'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -f -a "drop" -d 'Give batches up: their rows will never reach the store'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and not __fish_seen_subcommand_from ls show flush verify drop help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l deadline -d 'Give up after so long' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l retry-min -d 'Pause so long after a failure, doubling' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l breaker-open -d 'Leave the store alone for so long after five failures in a row' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l delivery-lease -d 'Let others take over delivery after so long without a sign of life' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l crash-at -d 'Die at a named point, at its N-th visit' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -l dead -d 'Try rows again that the store has refused, too'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from flush" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l deadline -d 'Wait so long for whoever delivers at the moment' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -l yes -d 'Yes, give them up'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from drop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List the batches: their rows, size, age, attempts, last error and state'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print the rows of a batch as JSON lines'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from help" -f -a "flush" -d 'Deliver what waits now, in order'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Check that the journal is what was written; exit code 1 when it is not'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from help" -f -a "drop" -d 'Give batches up: their rows will never reach the store'
complete -c streamkit -n "__fish_streamkit_using_subcommand spool; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l alerts -d 'The TOML file with rules and channels of alerts, as for \'collect\'' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l deadline -d 'How long each check may take' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l hosts -d 'Look the exchange\'s hosts up in this file alone: an address and a name a line' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -l send-test-alert -d 'Only send an alert that is marked as a test through every channel of --alerts'
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -f -a "show" -d 'Print each setting with its value and origin, without secrets'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -f -a "check" -d 'Look whether a settings file is right, and name everything that is not'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and not __fish_seen_subcommand_from show check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print each setting with its value and origin, without secrets'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Look whether a settings file is right, and name everything that is not'
complete -c streamkit -n "__fish_streamkit_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -f -a "print" -d 'Print the statements that make the tables and views'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -f -a "apply" -d 'Make what is missing in the store that --store names'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and not __fish_seen_subcommand_from print apply help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l store-kind -d 'The kind of store: clickhouse or sqlite' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l cluster -d 'For replicated tables on every server of this ClickHouse cluster. streamkit\'s tests do not run these statements: read them first' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from print" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from help" -f -a "print" -d 'Print the statements that make the tables and views'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from help" -f -a "apply" -d 'Make what is missing in the store that --store names'
complete -c streamkit -n "__fish_streamkit_using_subcommand schema; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -f -a "run" -d 'Cause failures, and measure how they are seen, mended and survived'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -f -a "list" -d 'List the failures that can be caused'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -f -a "serve" -d 'Run a Binance-compatible sim exchange'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -f -a "tape" -d 'Write the sim\'s tape to stdout as CSV: a,p,q,f,l,T,m,M, times in microseconds'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and not __fish_seen_subcommand_from run list serve tape help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l only -d 'Run these' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l skip -d 'Do not run these' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l runs -d 'Run each so often, each time with another seed' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l seed -d 'The seed of the first run: the same one makes the same trades' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l time-scale -d 'Multiply every time by this, from 0.1 to 1; what is measured is told unscaled' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l budget -d 'Read changes of budgets from this TOML file' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -s t -l thresholds -d 'What to build bars with, in decimal basis points besides 10 [default: as for collect]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l evidence -d 'Keep what is left of failed runs below this directory [default: a new one in the system\'s]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l report -d 'Write the matrix with a timeline of every scenario to this HTML file, too' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l clickhouse-server -d 'Start this ClickHouse for the runs, with a shell that tells it PORT and DATA' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l all -d 'Run every scenario, not the core alone'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -l bare -d 'Take the remedies away that the scenarios test'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l listen -d 'The address to listen on; port 0 takes any free one' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l tape -d 'Play this CSV file: a,p,q,f,l,T,m[,M]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l seed -d 'The seed of the random tape' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l rate -d 'Trades a second and symbol, or "max" for as fast as they are taken' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l day -d 'The UTC day that a played random tape begins with; by default today' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l trades-per-day -d 'Trades of each day of a played random tape; by default rate × 86400' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l symbols -d 'The symbols to serve' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l history -d 'How many trades of the tape are already past at the start' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l length -d 'End the tape after so many trades a symbol; the streams stay open and quiet' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l ping -d 'How often streams are pinged' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l pong-timeout -d 'How long a ping may stay unanswered' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l client-message-limit -d 'How many messages, pings and pongs a client may send in a second' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l lifetime -d 'How long a stream connection lives' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l stream-delay -d 'Let the streams lag behind the history that REST serves' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l weight-limit -d 'Request weight allowed a minute and address' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l connection-limit -d 'Stream connections allowed in five minutes and address' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l fault -d 'Have this fault from the start, such as half_open or skip:every=100,symbol=BTCUSDT, or on the way to the exchange: fin, rst, deaf, mute, blackhole, slow_handshake, latency:delay_ms=500 or bandwidth:bytes_per_second=N, each with after_ms and for_ms if it is not to last; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l for -d 'Stop by itself after so long' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l tape -d 'Play this CSV file: a,p,q,f,l,T,m[,M]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l seed -d 'The seed of the random tape' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l rate -d 'Trades a second and symbol, or "max" for as fast as they are taken' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l day -d 'The UTC day that a played random tape begins with; by default today' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l trades-per-day -d 'Trades of each day of a played random tape; by default rate × 86400' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l symbol -d 'The symbol to write' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l from-id -d 'The first id to write; by default the first of a played tape, or of today' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l count -d 'How many trades to write at most' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -l played -d 'A played tape begins with --day (by default today), as under serve --history; without this it reaches back to 1970, as under serve alone'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from tape" -s h -l help -d 'Print help'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from help" -f -a "run" -d 'Cause failures, and measure how they are seen, mended and survived'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the failures that can be caused'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from help" -f -a "serve" -d 'Run a Binance-compatible sim exchange'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from help" -f -a "tape" -d 'Write the sim\'s tape to stdout as CSV: a,p,q,f,l,T,m,M, times in microseconds'
complete -c streamkit -n "__fish_streamkit_using_subcommand probe; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l dir -d 'Write all pages into this directory, which is made if it is missing' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -s o -l output -d 'How to print results; csv is for bars, nagios for watchdog' -r -f -a "human\t'Text for people'
json\t'JSON for programs'
csv\t'CSV; only bars have it'
nagios\t'One line for Nagios; only the watchdog has it'"
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l config -d 'Read settings from this file [default: streamkit.toml in the directory for settings]' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l store -d 'Where bars are kept: clickhouse://user@host/database or sqlite:PATH' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l state-dir -d 'The directory of the journal' -r -F
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l exchange -d 'The exchange: binance, or sim for a made-up one [default: binance]' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l ws-url -d 'An address of the exchange\'s streams; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l rest-url -d 'An address of the exchange\'s requests; may be given several times' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l archive-url -d 'The address of the exchange\'s archive' -r
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'One line of text a message'
json\t'One JSON object a message and line'"
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Everywhere'
never\t'Nowhere'"
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -s v -l verbose -d 'Log more; twice for everything'
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -s q -l quiet -d 'Log less; twice for errors only'
complete -c streamkit -n "__fish_streamkit_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "collect" -d 'Collect live trades and keep exact range bars of them'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "bars" -d 'Print bars from the store, or build them from a file of trades'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "verify" -d 'Check that the stored bars are whole and right'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "seals" -d 'List the seals, or compare two stores'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "status" -d 'Show how the collectors are doing'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "watchdog" -d 'Check that the data in the database are fresh, and restart a unit if that helps'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "backfill" -d 'Make the stored bars of a time complete and exact'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "spool" -d 'Look after the rows that wait for the store'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "doctor" -d 'Check whether collecting would work here, and say what to mend'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "config" -d 'Show the settings and where each comes from'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "schema" -d 'Show or make the tables of the store'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "probe" -d 'Cause failures and measure what they cost, or test against a sim exchange'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "completions" -d 'Print what lets a shell complete commands and options'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "man" -d 'Print the manual page, or write one for each subcommand'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and not __fish_seen_subcommand_from collect bars verify seals status watchdog backfill spool doctor config schema probe completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from seals" -f -a "diff" -d 'Compare two stores, and name the first bar of each series that differs'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from backfill" -f -a "request" -d 'Ask for a backfill; a worker makes it when it is its turn'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from backfill" -f -a "worker" -d 'Take requests for backfills, and carry them out'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from backfill" -f -a "status" -d 'Show requests for backfills, and the workers that take them'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from spool" -f -a "ls" -d 'List the batches: their rows, size, age, attempts, last error and state'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from spool" -f -a "show" -d 'Print the rows of a batch as JSON lines'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from spool" -f -a "flush" -d 'Deliver what waits now, in order'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from spool" -f -a "verify" -d 'Check that the journal is what was written; exit code 1 when it is not'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from spool" -f -a "drop" -d 'Give batches up: their rows will never reach the store'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print each setting with its value and origin, without secrets'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Look whether a settings file is right, and name everything that is not'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from schema" -f -a "print" -d 'Print the statements that make the tables and views'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from schema" -f -a "apply" -d 'Make what is missing in the store that --store names'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from probe" -f -a "run" -d 'Cause failures, and measure how they are seen, mended and survived'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from probe" -f -a "list" -d 'List the failures that can be caused'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from probe" -f -a "serve" -d 'Run a Binance-compatible sim exchange'
complete -c streamkit -n "__fish_streamkit_using_subcommand help; and __fish_seen_subcommand_from probe" -f -a "tape" -d 'Write the sim\'s tape to stdout as CSV: a,p,q,f,l,T,m,M, times in microseconds'
