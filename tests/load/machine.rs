//! What a figure was measured on.

use std::fs;

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

/// Seconds a process has run so far, in user and kernel mode together.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold spaces: proc_pid_stat(5) counts it as the second field.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap_or_default())
        .sum();
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}
