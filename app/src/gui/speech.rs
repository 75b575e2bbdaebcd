//! How figures, lists of names and moments read to a person. Pure but for the time zone of this computer; every screen uses it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// "Bo", "Bo and Cy", "Bo, Cy and 2 more": at most `most` names.
pub(crate) fn names(names: &[&str], most: usize) -> String {
    let mut said: Vec<String> = names.iter().take(most).map(|name| short(name, 24)).collect();
    if names.len() > most {
        said.push(format!("{} more", names.len() - most));
    }
    let last = said.pop().unwrap_or_default();
    if said.is_empty() { last } else { format!("{} and {last}", said.join(", ")) }
}

/// Cut to so many characters.
pub(crate) fn short(name: &str, chars: usize) -> String {
    if name.chars().count() <= chars { name.to_owned() } else { name.chars().take(chars).chain(['…']).collect() }
}

/// "812 bytes", "1.2 kB", "34.5 MB".
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") };
    }
    let (mut value, mut unit) = (count as f64 / 1000.0, 0);
    // 999.95 would be written as 1000.0.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// Thousands apart by a thin space.
pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut said = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            said.push('\u{2009}');
        }
        said.push(digit);
    }
    said
}

/// "14:05" on this computer's clock; empty for a moment that no clock shows.
pub(crate) fn time_of_day(unix_s: u64) -> String {
    written(unix_s, "%H:%M", TimeZone::system())
}

/// "3 May 2026".
pub(crate) fn day(unix_s: u64) -> String {
    written(unix_s, "%-d %B %Y", TimeZone::system())
}

fn written(unix_s: u64, format: &str, zone: TimeZone) -> String {
    let moment = i64::try_from(unix_s).ok().and_then(|second| Timestamp::from_second(second).ok());
    moment.map_or_else(String::new, |moment| moment.to_zoned_datetime(zone).strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_as_a_person_lists_them() {
        assert_eq!(names(&[], 2), "");
        assert_eq!(names(&["Bo"], 2), "Bo");
        assert_eq!(names(&["Bo", "Cy"], 2), "Bo and Cy");
        assert_eq!(names(&["Bo", "Cy", "Di", "Ed"], 2), "Bo, Cy and 2 more");
        assert_eq!(names(&[&"x".repeat(10_000)], 2).chars().count(), 25);
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (count, said) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (12_345, "12 kB"),
            (999_960, "1.0 MB"),
            (4_294_967_296, "4.3 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(bytes(count), said);
        }
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(123), "123");
        assert_eq!(thousands(12_345), "12\u{2009}345");
        assert_eq!(thousands(1_234_567), "1\u{2009}234\u{2009}567");
    }

    #[test]
    fn moments_are_told_in_a_time_zone_and_odd_ones_do_no_harm() {
        assert_eq!(written(1_777_813_500, "%H:%M", TimeZone::UTC), "13:05");
        assert_eq!(written(1_777_813_500, "%-d %B %Y", TimeZone::UTC), "3 May 2026");
        assert_eq!(time_of_day(u64::MAX), "");
        assert_eq!(day(u64::MAX), "");
    }
}
