//! Which of a connection's symbols a message is about.

use crate::domain::symbol::Symbol;

/// Slots per symbol, so that a search rarely looks at a second slot.
const SLOTS_PER_SYMBOL: usize = 4;

/// An odd number whose bits look random (2^64 over the golden ratio).
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A name in two words: its first and last eight bytes, which overlap in a shorter one.
/// Names of up to sixteen bytes with equal words and lengths are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: usize,
}

const LENGTH_HELD_BY_KEY: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: Key,
    index: u32,
}

/// The index in an empty slot. A connection carries far fewer symbols.
const NO_SYMBOL: u32 = u32::MAX;

impl Slot {
    /// No name is that long.
    const EMPTY: Self = Self {
        key: Key {
            first: 0,
            last: 0,
            length: usize::MAX,
        },
        index: NO_SYMBOL,
    };
}

/// The symbols of one connection, to be found by the bytes of their names.
///
/// A hash table with open addressing that is only ever read: a search costs a few
/// nanoseconds for one symbol as for a thousand.
#[derive(Debug)]
pub struct SymbolTable {
    names: Vec<Symbol>,
    slots: Box<[Slot]>,
    /// Takes the highest bits of a product, as many as number the slots.
    shift: u32,
}

impl SymbolTable {
    /// A table in which each symbol has the index that it has in `symbols`; of equal
    /// ones the first counts.
    #[must_use]
    pub fn new(symbols: &[Symbol]) -> Self {
        let size = (symbols.len() * SLOTS_PER_SYMBOL)
            .next_power_of_two()
            .max(2);
        let mut table = Self {
            names: symbols.to_vec(),
            slots: vec![Slot::EMPTY; size].into_boxed_slice(),
            shift: 64 - size.trailing_zeros(),
        };
        for (index, symbol) in (0..).zip(symbols) {
            let name = symbol.as_str().as_bytes();
            if table.index_of(name).is_none() {
                let key = Key::of(name);
                let mut slot = table.first_slot(key);
                while table.slots[slot].index != NO_SYMBOL {
                    slot = table.next_slot(slot);
                }
                table.slots[slot] = Slot { key, index };
            }
        }
        table
    }

    /// The index of the symbol with this name in upper case.
    #[inline]
    #[must_use]
    pub fn index_of(&self, name: &[u8]) -> Option<u32> {
        let key = Key::of(name);
        let mut at = self.first_slot(key);
        loop {
            let slot = &self.slots[at];
            if slot.key == key && (name.len() <= LENGTH_HELD_BY_KEY || self.is(slot.index, name)) {
                return Some(slot.index);
            }
            // At least three of four slots are empty, so this ends.
            if slot.index == NO_SYMBOL {
                return None;
            }
            at = self.next_slot(at);
        }
    }

    fn is(&self, index: u32, name: &[u8]) -> bool {
        self.names[index as usize].as_str().as_bytes() == name
    }

    #[inline(always)]
    fn first_slot(&self, key: Key) -> usize {
        let mixed = key.first ^ key.last.rotate_left(29) ^ key.length as u64;
        (mixed.wrapping_mul(MULTIPLIER) >> self.shift) as usize
    }

    #[inline(always)]
    fn next_slot(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }
}

impl Key {
    #[inline(always)]
    fn of(name: &[u8]) -> Self {
        let (first, last) = if let (Some(first), Some(last)) =
            (name.first_chunk::<8>(), name.last_chunk::<8>())
        {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>())
        {
            let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
            (first, last)
        } else {
            let short = name
                .iter()
                .fold(0, |word, &byte| word << 8 | u64::from(byte));
            (short, 0)
        };
        Self {
            first,
            last,
            length: name.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_thousand_symbols_are_each_found_and_others_are_not() {
        let symbols: Vec<Symbol> = (0..1024)
            .map(|n| format!("S{}USDT", n * 7).parse().expect("a symbol"))
            .collect();
        let table = SymbolTable::new(&symbols);
        for (index, symbol) in (0..).zip(&symbols) {
            assert_eq!(table.index_of(symbol.as_str().as_bytes()), Some(index));
        }
        assert_eq!(table.index_of(b"S1USDT"), None);
        assert_eq!(table.index_of(b""), None);
        assert_eq!(SymbolTable::new(&[]).index_of(b"BTCUSDT"), None);
    }

    proptest! {
        #[test]
        fn it_finds_what_a_map_finds(
            names in proptest::collection::vec("[A-C]{1,20}", 0..60),
            others in proptest::collection::vec("[A-C]{0,20}", 0..60),
        ) {
            let symbols: Vec<Symbol> = names.iter().map(|name| name.parse().expect(name)).collect();
            let mut map = HashMap::new();
            for (index, name) in (0u32..).zip(&names) {
                map.entry(name.as_str()).or_insert(index);
            }
            let table = SymbolTable::new(&symbols);
            for name in names.iter().chain(&others) {
                prop_assert_eq!(table.index_of(name.as_bytes()), map.get(name.as_str()).copied());
            }
        }
    }
}
