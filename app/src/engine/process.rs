//! What this process uses of the machine: processor time and memory, as the system counts them.

/// Processor time and memory in use now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// User and system time since the start, all threads.
    pub(super) cpu_seconds: f64,
    /// Resident memory.
    pub(super) rss_bytes: u64,
}

/// Asks the system. Zeros where it does not say (anything but Linux).
#[cfg(target_os = "linux")]
pub(super) fn usage() -> Usage {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    parse(&stat, &statm).unwrap_or_default()
}

/// Asks the system. Zeros where it does not say (anything but Linux).
#[cfg(not(target_os = "linux"))]
pub(super) fn usage() -> Usage {
    Usage::default()
}

/// proc_pid_stat(5): the name may hold spaces and brackets, so fields count from the last bracket: utime is the 14th field,
/// stime the 15th, in ticks of 10 ms (USER_HZ is fixed at 100 towards programs). statm's second field is pages of 4 KiB
/// (or what the machine has; x86-64 and common arm64 kernels: 4 KiB).
#[cfg(target_os = "linux")]
fn parse(stat: &str, statm: &str) -> Option<Usage> {
    const TICKS_PER_SECOND: f64 = 100.0;
    const PAGE_BYTES: u64 = 4096;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(Usage { cpu_seconds: ticks as f64 / TICKS_PER_SECOND, rss_bytes: pages * PAGE_BYTES })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 100 1000 200";
        let usage = parse(stat, "500 300 100 1 0 1 0");
        assert_eq!(usage, Some(Usage { cpu_seconds: 3.0, rss_bytes: 300 * 4096 }));
    }

    #[test]
    fn this_process_uses_something() {
        assert!(usage().rss_bytes > 0);
    }
}
