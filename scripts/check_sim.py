"""Reads a running sim exchange with binance-connector and ccxt, and compares what they see.

Called by scripts/check-sim with the base URLs of streams and REST, and the directory that
holds the tape of each symbol as CSV. Prints a line per check; the first failure ends it.
"""

import asyncio
import csv
import json
import logging
import sys
import time
from pathlib import Path

import ccxt
import ccxt.pro
from binance.error import ClientError
from binance.spot import Spot
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient

SYMBOLS = ["BTCUSDT", "ETHUSDT"]
MARKETS = {"BTCUSDT": "BTC/USDT", "ETHUSDT": "ETH/USDT"}
HISTORY = 20_000
SECONDS = 4


def check(true, what):
    if not true:
        sys.exit(f"FAILED  {what}")
    print(f"ok      {what}", flush=True)


def read_tape(directory, symbol):
    """The tape as rows in the form of the REST interface, in microseconds, by id."""
    rows = {}
    with open(Path(directory) / f"{symbol}.csv", newline="") as file:
        for a, p, q, f, l, time_us, m, best in csv.reader(file):
            rows[int(a)] = {
                "a": int(a), "p": p, "q": q, "f": int(f), "l": int(l),
                "T": int(time_us), "m": m == "True", "M": best == "True",
            }
    return rows


def in_ms(row):
    return {**row, "T": row["T"] // 1000}


def without_frame(message):
    """A stream's trade without what REST does not have."""
    return {key: value for key, value in message.items() if key not in ("e", "E", "s")}


def contiguous(ids):
    return all(after == before + 1 for before, after in zip(ids, ids[1:]))


def connector_rest(rest, tapes):
    client = Spot(base_url=rest, timeout=10, show_limit_usage=True)
    check(client.ping()["data"] == {}, "connector: ping")
    check(client.time()["data"]["serverTime"] > 0, "connector: time")
    listed = [info["symbol"] for info in client.exchange_info()["data"]["symbols"]]
    check(listed == SYMBOLS, f"connector: exchangeInfo lists {listed}")
    for symbol in SYMBOLS:
        rows, first = [], min(tapes[symbol])
        while len(rows) < HISTORY:
            answer = client.agg_trades(symbol, fromId=first + len(rows), limit=1000)
            rows += answer["data"]
        ids = [row["a"] for row in rows]
        check(contiguous(ids), f"connector: {len(rows)} trades of {symbol} by id, no hole")
        same = all(row == in_ms(tapes[symbol][row["a"]]) for row in rows)
        check(same, f"connector: they are the tape's, field by field ({symbol})")
        weight = answer["limit_usage"].get("x-mbx-used-weight-1m")
        check(weight is not None, f"connector: used weight is told ({weight})")
    latest = client.agg_trades("BTCUSDT")["data"]
    check(len(latest) == 500 and latest[-1]["a"] >= ids[-1], "connector: 500 latest by default")
    start, end = rows[100]["T"], rows[400]["T"]
    page = client.agg_trades(SYMBOLS[-1], startTime=start, endTime=end, limit=1000)["data"]
    expected = [row["a"] for row in rows if start <= row["T"] <= end]
    check([row["a"] for row in page] == expected, f"connector: {len(page)} trades by time")
    micro = Spot(base_url=rest, timeout=10, time_unit="MICROSECOND")
    page = micro.agg_trades("BTCUSDT", fromId=min(tapes["BTCUSDT"]), limit=1000)
    same = all(row == tapes["BTCUSDT"][row["a"]] for row in page)
    check(same, "connector: microseconds by header")
    for kwargs, code in [({"symbol": "NOPE"}, -1121),
                         ({"symbol": "BTCUSDT", "fromId": 1, "startTime": 1}, -1128)]:
        try:
            client.agg_trades(**kwargs)
            check(False, f"connector: {kwargs} is an error")
        except ClientError as error:
            told = (error.status_code, error.error_code)
            check(told == (400, code), f"connector: {kwargs} is HTTP {told[0]}, code {told[1]}")


def connector_stream(ws, tapes, combined):
    form = "combined" if combined else "single"
    symbols = SYMBOLS if combined else SYMBOLS[:1]
    seen = {symbol: [] for symbol in symbols}
    answers, pings, closed = [], [], []

    def on_message(_, text):
        message = json.loads(text)
        if "id" in message:
            return answers.append(message)
        if combined:
            assert message["stream"] == f"{message['data']['s'].lower()}@aggTrade"
            message = message["data"]
        seen[message["s"]].append(message)

    client = SpotWebsocketStreamClient(
        stream_url=ws, is_combined=combined, on_message=on_message, timeout=10,
        on_ping=lambda *_: pings.append(1), on_close=lambda *_: closed.append(1),
    )
    client.subscribe([f"{symbol.lower()}@aggTrade" for symbol in symbols])
    time.sleep(SECONDS)
    client.list_subscribe()
    time.sleep(0.5)
    client.stop()
    check({"result": None, "id": answers[0]["id"]} == answers[0], f"connector {form}: subscribed")
    wanted = [f"{symbol.lower()}@aggTrade" for symbol in symbols]
    check(answers[1]["result"] == wanted, f"connector {form}: lists {answers[1]['result']}")
    for symbol, trades in seen.items():
        ids = [trade["a"] for trade in trades]
        check(len(ids) > 100 * SECONDS and contiguous(ids),
              f"connector {form}: {len(ids)} trades of {symbol}, no hole")
        same = all(without_frame(trade) == in_ms(tapes[symbol][trade["a"]]) for trade in trades)
        check(same, f"connector {form}: they are the tape's, field by field ({symbol})")
    check(len(pings) >= SECONDS - 1, f"connector {form}: {len(pings)} pings")


def moved(module, ws, rest):
    exchange = module.binance({
        "enableRateLimit": False,
        "timeout": 10_000,
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]},
                    "fetchCurrencies": False},
    })
    exchange.urls["api"]["public"] = f"{rest}/api/v3"
    if "ws" in exchange.urls["api"]:
        exchange.urls["api"]["ws"]["spot"] = f"{ws}/ws"
    return exchange


def ccxt_rest(ws, rest, tapes):
    exchange = moved(ccxt, ws, rest)
    markets = exchange.load_markets()
    check(sorted(markets) == sorted(MARKETS.values()), f"ccxt: markets {sorted(markets)}")
    first = min(tapes["BTCUSDT"])
    rows = []
    for page in range(3):
        from_id = first + 1000 * page
        params = {"fromId": from_id, "fetchTradesMethod": "publicGetAggTrades"}
        rows += exchange.fetch_trades("BTC/USDT", limit=1000, params=params)
    ids = [int(trade["info"]["a"]) for trade in rows]
    check(contiguous(ids) and len(ids) == 3000, f"ccxt: {len(ids)} trades by id, no hole")
    same = all(
        trade["price"] == float(tapes["BTCUSDT"][id]["p"])
        and trade["amount"] == float(tapes["BTCUSDT"][id]["q"])
        and trade["timestamp"] == tapes["BTCUSDT"][id]["T"] // 1000
        and trade["side"] == ("sell" if tapes["BTCUSDT"][id]["m"] else "buy")
        for id, trade in zip(ids, rows)
    )
    check(same, "ccxt: price, amount, time and side are the tape's")
    try:
        exchange.public_get_aggtrades({"symbol": "NOPE"})
        check(False, "ccxt: an unknown symbol is an error")
    except ccxt.BadSymbol as error:
        check("-1121" in str(error), "ccxt: an unknown symbol raises BadSymbol")


async def ccxt_stream(ws, rest, tapes):
    exchange = moved(ccxt.pro, ws, rest)
    exchange.options["tradesLimit"] = 100_000
    exchange.newUpdates = True
    try:
        await exchange.load_markets()
        names = list(MARKETS.values())
        seen = {name: [] for name in names}
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            params = {"name": "aggTrade"}
            trades = await asyncio.wait_for(
                exchange.watch_trades_for_symbols(names, params=params), 10)
            seen[trades[0]["symbol"]] += trades
    finally:
        await exchange.close()
    for symbol, name in MARKETS.items():
        ids = [int(trade["info"]["a"]) for trade in seen[name]]
        check(len(ids) > 100 and contiguous(ids), f"ccxt: streamed {len(ids)} of {name}, no hole")
        same = all(
            without_frame(trade["info"]) == in_ms(tapes[symbol][id])
            for id, trade in zip(ids, seen[name])
        )
        check(same, f"ccxt: they are the tape's, field by field ({name})")


def main():
    logging.basicConfig(level=logging.ERROR)
    ws, rest, directory = sys.argv[1:4]
    tapes = {symbol: read_tape(directory, symbol) for symbol in SYMBOLS}
    connector_rest(rest, tapes)
    connector_stream(ws, tapes, combined=False)
    connector_stream(ws, tapes, combined=True)
    ccxt_rest(ws, rest, tapes)
    asyncio.run(ccxt_stream(ws, rest, tapes))
    print("all checks passed")


main()
