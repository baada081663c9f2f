//! `math.random`'s sequences, against PUC Lua's.

use lunette_stdlib::random::Random;

#[test]
fn sequences_are_those_of_puc() {
    let mut random = Random::seeded(42, 0);
    assert_eq!(random.next() as i64, -1276290044721465627);
    assert_eq!(random.next() as i64, 8333941968102511665);
    assert_eq!(format!("{:.14}", random.next_float()), "0.54688311243421");
    assert_eq!(format!("{:.14}", random.next_float()), "0.79358935263827");
    assert_eq!(random.next_in(1, 10), Some(6));
    assert_eq!(random.next_in(1, 100), Some(64));
    assert_eq!(random.next_in(-5, 1_000_000), Some(773377));

    let mut random = Random::seeded(123, 456);
    assert_eq!(random.next() as i64, -7482266044409867603);
    assert_eq!(format!("{:.14}", random.next_float()), "0.77901815822512");
    assert_eq!(random.next_in(1, 3), Some(3));
    assert_eq!(random.next_in(i64::MIN, i64::MAX), Some(1704599587560253662));
    assert_eq!(random.next_in(i64::MIN, i64::MAX - 1), Some(78436196238586190));
}

#[test]
fn ranges() {
    let mut random = Random::seeded(1, 2);
    assert_eq!(random.next_in(5, 4), None);
    assert_eq!(random.next_in(7, 7), Some(7));
    assert!((0..1000).all(|_| (-3..=9).contains(&random.next_in(-3, 9).unwrap())));
    assert!((0..1000).all(|_| (0.0..1.0).contains(&random.next_float())));
}
