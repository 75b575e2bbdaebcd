//! `conclave doctor`: looks at this computer the way a call will use it and says, for each part, how it is and what to do
//! about it. Works with no devices at all; opens no camera's light for longer than a look.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;

use conclave_media::{audio, video};
use serde::Serialize;

use crate::engine::codec_name;

/// A picture every so many milliseconds at 30 f/s; half of it is for everything else a call does.
const ENCODE_MS_GOOD: f64 = 14.0;
/// Above this even 15 f/s are too many.
const ENCODE_MS_USABLE: f64 = 40.0;

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Usable,
    Missing,
}

/// One part looked at.
#[derive(Debug, Serialize)]
struct Finding {
    part: &'static str,
    verdict: Verdict,
    what: String,
    /// Empty when there is nothing to do.
    remedy: String,
}

/// Everything looked at, in the order of a call.
#[derive(Debug, Serialize)]
struct Health {
    version: &'static str,
    findings: Vec<Finding>,
}

/// Looks, prints, and succeeds whatever was found: a missing device is a finding, not a failure.
#[must_use]
pub fn run(json: bool) -> ExitCode {
    let health = look();
    let text = if json { serde_json::to_string_pretty(&health).unwrap_or_default() + "\n" } else { health.text() };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn look() -> Health {
    let mut findings = cameras(video::cameras());
    findings.extend(sound("microphone", audio::microphones()));
    findings.extend(sound("speaker", audio::speakers()));
    findings.extend(network());
    findings.extend(video::codec_speed().into_iter().map(|speed| codec(&speed)));
    Health { version: env!("CARGO_PKG_VERSION"), findings }
}

fn cameras(found: Vec<video::CameraInfo>) -> Vec<Finding> {
    if found.is_empty() {
        return vec![Finding::new(
            "camera",
            Verdict::Missing,
            "No camera was found.",
            "Plug one in, or take part without: you see the others all the same. On Linux, your user must be in the group \
             \"video\".",
        )];
    }
    let good = |camera: video::CameraInfo| {
        Finding::new("camera", Verdict::Good, format!("{}: {}", camera.name, camera.formats), "")
    };
    found.into_iter().map(good).collect()
}

fn sound(part: &'static str, found: Vec<audio::DeviceInfo>) -> Vec<Finding> {
    if found.is_empty() {
        return vec![Finding::new(
            part,
            Verdict::Missing,
            format!("No {part} was found."),
            "Plug one in, and check that the sound server of this computer runs.",
        )];
    }
    let good = |device: audio::DeviceInfo| {
        let default = if device.is_default { " (the default)" } else { "" };
        Finding::new(part, Verdict::Good, format!("{}{default}: {}", device.name, device.formats), "")
    };
    found.into_iter().map(good).collect()
}

/// The addresses that this computer would send from. Nothing is sent: connecting a UDP socket only asks for the route.
fn network() -> Vec<Finding> {
    let families: [(&'static str, IpAddr, IpAddr); 2] = [
        ("IPv4", Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        ("IPv6", Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()),
    ];
    families.into_iter().map(|(family, any, anywhere)| route(family, any, anywhere)).collect()
}

fn route(family: &'static str, any: IpAddr, anywhere: IpAddr) -> Finding {
    let Ok(socket) = UdpSocket::bind(SocketAddr::new(any, 0)) else {
        return Finding::new(
            "network",
            Verdict::Missing,
            format!("{family} does not work on this computer."),
            "One of IPv4 and IPv6 is enough, if the others have it too.",
        );
    };
    let routed = socket.connect(SocketAddr::new(anywhere, 9)).and_then(|()| socket.local_addr());
    match routed {
        Ok(address) => Finding::new("network", Verdict::Good, format!("{family} address {}", address.ip()), ""),
        Err(_) => Finding::new(
            "network",
            Verdict::Usable,
            format!("{family} has no way out of this computer's own networks."),
            "Meetings on the local network work. For others, connect to the internet.",
        ),
    }
}

fn codec(speed: &video::CodecSpeed) -> Finding {
    let name = codec_name(speed.codec);
    let (verdict, remedy) = if speed.encode_p95_ms <= ENCODE_MS_GOOD {
        (Verdict::Good, String::new())
    } else if speed.encode_p95_ms <= ENCODE_MS_USABLE {
        (
            Verdict::Usable,
            "Conclave chooses the faster codec by itself; close programs that keep the processor busy.".into(),
        )
    } else {
        (
            Verdict::Usable,
            "Too slow for 1280x720: start with --size 640x360, or close programs that keep the processor busy.".into(),
        )
    };
    let what = format!(
        "{name} at 1280x720: {:.1} ms to encode a picture (95 of 100 within {:.1} ms), {:.1} ms to decode one",
        speed.encode_ms, speed.encode_p95_ms, speed.decode_ms
    );
    Finding { part: "codec", verdict, what, remedy }
}

impl Finding {
    fn new(part: &'static str, verdict: Verdict, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { part, verdict, what: what.into(), remedy: remedy.into() }
    }
}

impl Health {
    fn text(&self) -> String {
        let mut text = format!("Conclave {} looked at this computer.\n", self.version);
        for finding in &self.findings {
            let verdict = match finding.verdict {
                Verdict::Good => "good",
                Verdict::Usable => "usable",
                Verdict::Missing => "missing",
            };
            line(&mut text, &format!("{:<11}{verdict:<9}{}", finding.part, finding.what));
            if !finding.remedy.is_empty() {
                line(&mut text, &format!("{:<20}-> {}", "", finding.remedy));
            }
        }
        text
    }
}

fn line(text: &mut String, line: &str) {
    if writeln!(text, "{line}").is_err() {
        tracing::debug!("a string does not refuse to grow");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_computer_without_devices_gets_remedies_and_not_an_error() {
        let mut findings = cameras(Vec::new());
        findings.extend(sound("microphone", Vec::new()));
        findings.extend(sound("speaker", Vec::new()));
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Missing && !finding.remedy.is_empty()));
        let text = Health { version: "0", findings }.text();
        for part in ["camera", "microphone", "speaker"] {
            assert!(text.contains(&format!("No {part} was found.")), "{text}");
        }
    }

    #[test]
    fn a_slow_codec_is_told_with_what_to_do() {
        let speed =
            |ms| video::CodecSpeed { codec: video::Codec::Av1, encode_ms: ms, encode_p95_ms: ms, decode_ms: 2.0 };
        assert_eq!(codec(&speed(8.0)).verdict, Verdict::Good);
        assert_eq!(codec(&speed(20.0)).verdict, Verdict::Usable);
        assert!(codec(&speed(80.0)).remedy.contains("--size 640x360"));
    }
}
