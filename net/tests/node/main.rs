//! Whole nodes on loopback, the device key file, and visible people in a network namespace: what the application sees.

#[cfg(unix)]
mod device_key;
mod meeting;
mod support;
#[cfg(target_os = "linux")]
mod visible;
