//! `table.sort`: the comparisons PUC Lua makes, in its order.

use lunette_stdlib::sort::*;

/// Sorts as the library does with a comparator, saving and restoring all state at every step.
fn sort_with(values: &mut [i64], mut less: impl FnMut(i64, i64) -> bool) -> Action {
    let mut words = Sort::new(values.len() as u32).to_words();
    let mut pending = PendingWords::default();
    let mut answer = false;
    loop {
        let mut sort = Sort::from_words(words);
        let action = sort.step(answer, &mut pending);
        words = sort.to_words();
        match action {
            Action::Compare(left, right) => answer = less(values[left as usize - 1], values[right as usize - 1]),
            Action::Swap(left, right) => values.swap(left as usize - 1, right as usize - 1),
            end => return end,
        }
    }
}

#[derive(Default)]
struct PendingWords(Vec<[u64; 2]>);

impl Pending for PendingWords {
    fn push(&mut self, range: Range) {
        assert!(self.0.len() < MAX_PENDING);
        self.0.push(range.to_words());
    }

    fn pop(&mut self) -> Option<Range> {
        self.0.pop().map(Range::from_words)
    }
}

fn pseudo_random(length: usize) -> Vec<i64> {
    let next = |state: &i64| Some((state * 1103515245 + 12345) & 0x7fff_ffff);
    std::iter::successors(next(&12345), next).take(length).collect()
}

/// The number of comparisons and a hash of the pairs compared.
fn trace(mut values: Vec<i64>) -> (u32, i64) {
    let (mut count, mut hash) = (0, 0i64);
    let end = sort_with(&mut values, |left, right| {
        count += 1;
        hash = hash.wrapping_mul(31).wrapping_add(left * 7).wrapping_add(right) & 0xffff_ffff;
        left < right
    });
    assert_eq!(end, Action::Done);
    assert!(values.is_sorted());
    (count, hash)
}

#[test]
fn comparisons_are_those_of_puc() {
    // There PUC Lua draws a pivot by the clock.
    const RANDOM: (u32, i64) = (0, 0);
    let cases: [(i64, [(u32, i64); 4]); 8] = [
        (2, [(1, 1694051735), (1, 15), (1, 1), (1, 15)]),
        (3, [(2, 3360999461), (3, 21630), (3, 2154), (3, 21630)]),
        (5, [(10, 3476376031), (9, 3219732104), (9, 1517988172), (9, 3219732104)]),
        (10, [(28, 209978649), (28, 1907747303), (28, 2197745382), (27, 1236150390)]),
        (100, [(624, 3200606096), (578, 1608001785), (710, 4111790241), (674, 139692988)]),
        (101, [(617, 2296520008), (585, 1606074232), (720, 332273384), (626, 3964452701)]),
        (200, [(1457, 1393203721), (1351, 744757109), (1742, 119804320), (1436, 2037863991)]),
        (1000, [(10752, 3382203607), (8985, 2447782081), RANDOM, (9554, 272973144)]),
    ];
    for (length, expected) in cases {
        let arrays = [
            pseudo_random(length as usize),
            (1..=length).collect(),
            (1..=length).map(|index| length - index).collect(),
            (1..=length).map(|index| index % 7).collect(),
        ];
        for (traced, expected) in arrays.map(trace).into_iter().zip(expected) {
            assert!(expected == RANDOM || traced == expected, "{length}: {traced:?} {expected:?}");
        }
    }
}

#[test]
fn contradictions_end() {
    let mut values: Vec<_> = (1..=10).collect();
    assert_eq!(sort_with(&mut values, |_, _| true), Action::Invalid);
    assert_eq!(sort_with(&mut [3, 1, 2], |_, _| true), Action::Done);
    // Whatever a comparator says, the sort ends within its array.
    for seed in 0..2000u64 {
        let mut state = seed;
        let mut values = pseudo_random(1 + (seed % 90) as usize);
        sort_with(&mut values, |_, _| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state >> 63 == 1
        });
    }
}

#[test]
fn words_that_are_no_state_do_no_harm() {
    let mut state = 1u64;
    let mut word = |bound: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % bound
    };
    const EDGES: [u32; 8] = [0, 1, 2, 3, 200, u32::MAX / 2, u32::MAX - 1, u32::MAX];
    for _ in 0..200_000 {
        let mut pair = || u64::from(EDGES[word(8) as usize]) | u64::from(EDGES[word(8) as usize]) << 32;
        let mut sort = Sort::from_words([pair(), pair(), pair(), word(16)]);
        for _ in 0..100 {
            if let Action::Done | Action::Invalid = sort.step(word(2) == 0, &mut PendingArray::default()) {
                break;
            }
        }
    }
}

struct Floats(Vec<f64>);

impl Elements for Floats {
    type Error = InvalidOrder;

    fn less(&mut self, left: u32, right: u32) -> Result<bool, InvalidOrder> {
        Ok(self.0[left as usize - 1] < self.0[right as usize - 1])
    }

    fn swap(&mut self, left: u32, right: u32) {
        self.0.swap(left as usize - 1, right as usize - 1);
    }
}

#[test]
fn arrays_are_sorted_in_place() {
    let values = pseudo_random(100_000).into_iter().map(|value| value as f64).collect::<Vec<_>>();
    let organ_pipe = (0..20_000).chain((0..20_000).rev()).map(f64::from).collect();
    for values in [values, organ_pipe, vec![], vec![1.0], vec![2.0; 50_000]] {
        let mut floats = Floats(values);
        let length = floats.0.len() as u32;
        sort_by(&mut floats, length).unwrap();
        assert!(floats.0.is_sorted());
    }
    assert_eq!(InvalidOrder.to_string(), "invalid order function for sorting");
}
