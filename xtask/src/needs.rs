//! What Conclave needs from the system beyond Rust and a C compiler, and how each package manager calls it.
//!
//! A need is looked for itself (a program on the path, a library file, a pkg-config module), never the package: who
//! has it from elsewhere is not asked to install it again. Called by `system`; the lists follow the build scripts of
//! the `-sys` crates and the libraries that the window opens at run time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How to find out whether something is there.
#[derive(Debug)]
pub(crate) enum Check {
    /// One of these programs is on the path.
    Program(&'static [&'static str]),
    /// A program on the path answers this command line with success.
    Answers(&'static [&'static str]),
    /// pkg-config knows this module.
    Module(&'static str),
    /// A shared library whose file name starts so, wherever libraries lie.
    Library(&'static str),
    /// libclang with the headers that belong to it, found as bindgen finds it.
    LibClang,
}

/// When it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Building,
    /// The window opens these libraries at run time; neither tests nor `conclave headless` need them.
    Window,
}

/// One thing that must be there. An empty package name: this system always has it, or does not need it.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
    pub(crate) check: Check,
    pub(crate) when: When,
    pub(crate) apt: &'static str,
    pub(crate) dnf: &'static str,
    pub(crate) pacman: &'static str,
    pub(crate) brew: &'static str,
}

const fn build(name: &'static str, why: &'static str, check: Check, packages: [&'static str; 4]) -> Need {
    let [apt, dnf, pacman, brew] = packages;
    Need { name, why, check, when: When::Building, apt, dnf, pacman, brew }
}

const fn window(library: &'static str, packages: [&'static str; 3]) -> Need {
    let [apt, dnf, pacman] = packages;
    let check = Check::Library(library);
    Need { name: library, why: "the window", check, when: When::Window, apt, dnf, pacman, brew: "" }
}

/// All needs of this kind of machine.
pub(crate) fn all() -> Vec<Need> {
    let mut needs = vec![
        build(
            "a C++ compiler",
            "the H.264 and AV1 codecs",
            Check::Program(&["c++", "g++", "clang++"]),
            ["g++", "gcc-c++", "gcc", "gcc"],
        ),
        build("make", "the AV1 and Opus codecs", Check::Program(&["make", "gmake"]), ["make", "make", "make", "make"]),
        build("cmake", "the AV1 and Opus codecs", Check::Program(&["cmake"]), ["cmake"; 4]),
        build(
            "perl",
            "the AV1 codec",
            Check::Answers(&["perl", "-e", "use Getopt::Long"]),
            ["perl", "perl-interpreter perl-Getopt-Long", "perl", "perl"],
        ),
    ];
    if cfg!(any(target_arch = "x86_64", target_arch = "x86")) {
        let why = "the AV1 and H.264 codecs (2.4 times slower without)";
        needs.push(build("nasm", why, Check::Program(&["nasm"]), ["nasm"; 4]));
    }
    if cfg!(target_os = "linux") {
        needs.extend(linux());
    }
    needs
}

fn linux() -> Vec<Need> {
    vec![
        build(
            "pkg-config",
            "finding the sound library",
            Check::Program(&["pkg-config", "pkgconf"]),
            ["pkg-config", "pkgconf-pkg-config", "pkgconf", ""],
        ),
        build("ALSA", "sound", Check::Module("alsa"), ["libasound2-dev", "alsa-lib-devel", "alsa-lib", ""]),
        build("libclang", "cameras (V4L2)", Check::LibClang, ["libclang-dev", "clang-devel", "clang", ""]),
        window("libX11.so.6", ["libx11-6", "libX11", "libx11"]),
        window("libX11-xcb.so.1", ["libx11-xcb1", "libX11-xcb", "libx11"]),
        window("libXcursor.so.1", ["libxcursor1", "libXcursor", "libxcursor"]),
        window("libXi.so.6", ["libxi6", "libXi", "libxi"]),
        window("libXrandr.so.2", ["libxrandr2", "libXrandr", "libxrandr"]),
        window("libxkbcommon.so.0", ["libxkbcommon0", "libxkbcommon", "libxkbcommon"]),
        window("libxkbcommon-x11.so.0", ["libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"]),
        window("libwayland-client.so.0", ["libwayland-client0", "libwayland-client", "wayland"]),
        window("libwayland-cursor.so.0", ["libwayland-cursor0", "libwayland-cursor", "wayland"]),
        window("libwayland-egl.so.1", ["libwayland-egl1", "libwayland-egl", "wayland"]),
        window("libEGL.so.1", ["libegl1", "libglvnd-egl mesa-libEGL", "libglvnd mesa"]),
        window("libGL.so.1", ["libgl1 libgl1-mesa-dri", "libglvnd-glx mesa-libGL mesa-dri-drivers", "libglvnd mesa"]),
    ]
}

impl Need {
    pub(crate) fn is_met(&self) -> bool {
        match &self.check {
            Check::Program(names) => names.iter().any(|name| program(name).is_some()),
            Check::Answers(line) => answers(line),
            Check::Module(module) => {
                answers(&["pkg-config", "--exists", module]) || answers(&["pkgconf", "--exists", module])
            }
            Check::Library(start) => library_folders().iter().any(|folder| holds(folder, start)),
            Check::LibClang => libclang(),
        }
    }
}

/// The file of a program on the path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn answers(line: &[&str]) -> bool {
    let Some((name, arguments)) = line.split_first() else { return false };
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Where the dynamic loader looks on the usual systems, and what the person added.
fn library_folders() -> Vec<PathBuf> {
    let arch = std::env::consts::ARCH;
    let mut folders: Vec<PathBuf> = std::env::var_os("LD_LIBRARY_PATH")
        .map(|list| std::env::split_paths(&list).filter(|folder| !folder.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    for root in ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/local/lib64"] {
        folders.push(PathBuf::from(root));
        folders.push(Path::new(root).join(format!("{arch}-linux-gnu")));
    }
    folders.push(PathBuf::from("/run/current-system/sw/lib"));
    folders
}

fn holds(folder: &Path, start: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(start) && entry.path().exists())
}

/// bindgen loads `libclang.so` or `libclang-NN.so` from `LIBCLANG_PATH`, the library folders or an LLVM's own folder,
/// and needs the `stddef.h` that came with it.
fn libclang() -> bool {
    let named = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let mut folders: Vec<PathBuf> = named.into_iter().collect();
    folders.extend(library_folders());
    let mut llvm: Vec<PathBuf> = Vec::new();
    for root in ["/usr/lib", "/usr/lib64", "/usr/local"] {
        let Ok(entries) = std::fs::read_dir(root) else { continue };
        llvm.extend(
            entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with("llvm")).map(|e| e.path()),
        );
    }
    for home in &llvm {
        folders.push(home.join("lib"));
        folders.push(home.join("lib64"));
    }
    let library = folders
        .iter()
        .any(|folder| folder.is_file() || ["libclang.so", "libclang-"].iter().any(|start| holds(folder, start)));
    let headers = folders.iter().any(|folder| {
        let Ok(versions) = std::fs::read_dir(folder.join("clang")) else { return false };
        versions.flatten().any(|version| version.path().join("include/stddef.h").is_file())
    });
    library && headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_machine_that_compiled_this_has_is_found_and_what_none_has_is_not() {
        assert!(Check::Program(&["cargo"]).found());
        assert!(!Check::Program(&["no-such-program-anywhere"]).found());
        assert!(!Check::Library("libnosuchlibraryanywhere.so").found());
        assert!(!Check::Module("no-such-module-anywhere").found());
        if cfg!(target_os = "linux") {
            assert!(Check::Library("libc.so.6").found());
        }
    }

    impl Check {
        fn found(self) -> bool {
            build("test", "test", self, ["", "", "", ""]).is_met()
        }
    }

    #[test]
    fn every_need_has_a_package_on_every_linux_family() {
        for need in all() {
            for package in [need.apt, need.dnf, need.pacman] {
                assert!(!package.is_empty(), "{} has no package somewhere", need.name);
            }
        }
    }
}
