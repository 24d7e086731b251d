//! What a figure was measured on.

use std::fs;

use nix::{
    time::{clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};

/// Processor, cores, memory and kernel, as Linux tells them.
pub(crate) fn description() -> String {
    let value = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or_else(
            || "unknown".to_owned(),
            |(_, value)| value.trim().to_owned(),
        )
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kibibytes = value("/proc/meminfo", "MemTotal");
    let kibibytes: u64 = kibibytes
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or_default();
    format!(
        "{}, {cores} cores, {} GiB, Linux {}",
        value("/proc/cpuinfo", "model name"),
        kibibytes >> 20,
        kernel.trim().split('-').next().unwrap_or_default()
    )
}

/// Microseconds a process has run so far, all its threads together (clock_getcpuclockid(3)): a tick of
/// proc_pid_stat(5) is a hundred requests long.
pub(crate) fn cpu_microseconds(pid: u32) -> anyhow::Result<f64> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.try_into()?))?;
    let time = clock_gettime(clock)?;
    Ok(time.tv_sec() as f64 * 1e6 + time.tv_nsec() as f64 / 1e3)
}
