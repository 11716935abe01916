//! Themes, keymaps and rule files: read at the start, read again when they change.
//!
//! A file `themes/NAME.ron` or `keymaps/NAME.ron` in the configuration directory wins over the program's own of that
//! name. The directories are watched and not the files, so that editors which put a new file in the old one's place are
//! noticed as well. Rule files lie where the configuration says; their folders are watched in the same way. Where a directory does not exist yet, the nearest one above it is watched until it does.
//!
//! Must never: write into the configuration directory; wake up when nothing changed.
//!
//! What is not noticed: a change behind a link to a file elsewhere. The action `reload` reads it.

use std::ffi::{CStr, OsStr};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

use super::text_file::{self, TextFileError};
use crate::app::{Reloaded, RuleText};
use crate::base::Problem;
use crate::base::problem::nearest;
use crate::ui::{Keymap, Theme, keymap, theme};

/// Largest file of a theme or a keymap that is read.
const FILE_LIMIT_BYTES: u64 = 256 << 10;

/// Largest rule file that is read.
const RULES_LIMIT_BYTES: u64 = 4 << 20;

/// More files in one directory are not offered.
const NAMES_LIMIT: usize = 200;

/// An editor does several things when it writes a file; they are taken as one.
const SETTLE: Duration = Duration::from_millis(60);

/// The operator's configuration directory; it may not exist.
#[must_use]
pub fn config_folder() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "opsconsole")?.config_dir().to_owned())
}

/// A theme or a keymap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Theme,
    Keymap,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Theme => "theme",
            Kind::Keymap => "keymap",
        }
    }

    /// Its folder in the configuration directory.
    fn folder(self) -> &'static str {
        match self {
            Kind::Theme => "themes",
            Kind::Keymap => "keymaps",
        }
    }

    fn embedded(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Kind::Theme => theme::EMBEDDED,
            Kind::Keymap => keymap::EMBEDDED,
        }
    }
}

/// Finds themes and keymaps by name.
#[derive(Clone, Debug, Default)]
pub struct Loader {
    folder: Option<PathBuf>,
}

impl Loader {
    /// Looks in the operator's configuration directory.
    #[must_use]
    pub fn of_user() -> Loader {
        Loader { folder: config_folder() }
    }

    #[must_use]
    pub fn of_folder(folder: &Path) -> Loader {
        Loader { folder: Some(folder.to_owned()) }
    }

    /// The names of all there are: the program's own first, then those of files, by the alphabet.
    #[must_use]
    pub fn names(&self, kind: Kind) -> Vec<String> {
        let mut names: Vec<String> = kind.embedded().iter().map(|(name, _)| (*name).to_owned()).collect();
        let entries = self.folder(kind).and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten();
        let stem = |entry: io::Result<std::fs::DirEntry>| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".ron").filter(|stem| is_name(stem)).map(str::to_owned)
        };
        let mut files: Vec<String> = entries.filter_map(stem).filter(|name| !names.contains(name)).collect();
        files.sort();
        files.truncate(NAMES_LIMIT);
        names.append(&mut files);
        names
    }

    /// The file and the text of a theme or keymap.
    ///
    /// # Errors
    /// There is none of that name, and which there are; or its file can not be read.
    pub fn text(&self, kind: Kind, name: &str) -> Result<(String, String), Problem> {
        let path = self.folder(kind).filter(|_| is_name(name)).map(|folder| folder.join(format!("{name}.ron")));
        if let Some(path) = path {
            match text_file::read(&path, FILE_LIMIT_BYTES) {
                Ok(text) => return Ok((path.display().to_string(), text)),
                Err(TextFileError::Missing) => {}
                Err(error) => return Err(error.problem(&path)),
            }
        }
        match kind.embedded().iter().find(|(known, _)| *known == name) {
            Some((name, text)) => Ok(((*name).to_owned(), (*text).to_owned())),
            None => Err(self.unknown(kind, name)),
        }
    }

    fn unknown(&self, kind: Kind, name: &str) -> Problem {
        let names = self.names(kind);
        let near = nearest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean {near}?"));
        let what = format!("there is no {} {name:?}; there are {}", kind.word(), names.join(", "));
        let file = self.folder(kind).map_or_else(|| kind.folder().to_owned(), |folder| folder.display().to_string());
        Problem::new(&file, 0, 0, what).suggesting(near)
    }

    fn folder(&self, kind: Kind) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(kind.folder()))
    }

    /// Reads what is asked for, and which there are.
    #[must_use]
    pub fn load(&self, theme: Option<&str>, keymap: Option<&str>, rules: &[String]) -> Reloaded {
        let text = |kind, name| self.text(kind, name).map_err(|problem| vec![problem]);
        let read_theme = |name| text(Kind::Theme, name).and_then(|(file, text)| Theme::parse(&file, &text));
        let read_keymap = |name| text(Kind::Keymap, name).and_then(|(file, text)| Keymap::parse(&file, &text));
        Reloaded {
            theme: theme.map(read_theme),
            keymap: keymap.map(read_keymap),
            themes: self.names(Kind::Theme),
            keymaps: self.names(Kind::Keymap),
            rules: rules.iter().map(|file| rule_text(file)).collect(),
        }
    }
}

/// The text of a rule file, or why there is none.
#[must_use]
pub fn rule_text(file: &str) -> RuleText {
    let text = text_file::read(Path::new(file), RULES_LIMIT_BYTES).map_err(|error| error.to_string());
    RuleText { file: file.to_owned(), text }
}

/// What can be the name of a file here and nowhere else.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
}

/// Says when a file of a theme or a keymap may have changed.
#[derive(Debug)]
pub struct Watch {
    inotify: AsyncFd<OwnedFd>,
    folder: PathBuf,
    /// Rule files, wherever they lie.
    rules: Vec<PathBuf>,
    /// When what was reported last is taken in.
    settled: Option<Instant>,
}

impl Watch {
    /// Begins to watch. Needs a runtime.
    ///
    /// # Errors
    /// There is no configuration directory, or the system watches no more for this user.
    #[allow(
        deprecated,
        reason = "deprecated because a type may lie about its descriptor; this one is the standard library's"
    )]
    pub fn begin(loader: &Loader, rules: &[String]) -> io::Result<Watch> {
        let folder = loader.folder.clone().ok_or(io::ErrorKind::NotFound)?;
        let rules = rules.iter().map(PathBuf::from).collect();
        let fd = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        let watch = Watch { inotify: AsyncFd::with_interest(fd, Interest::READABLE)?, folder, rules, settled: None };
        watch.arm()?;
        Ok(watch)
    }

    /// Watches every folder, or what there is of its path. Watching what is watched already changes nothing.
    fn arm(&self) -> io::Result<()> {
        use inotify::WatchFlags as Flags;
        let files = Flags::CLOSE_WRITE
            | Flags::CREATE
            | Flags::DELETE
            | Flags::MOVED_FROM
            | Flags::MOVED_TO
            | Flags::DELETE_SELF
            | Flags::MOVE_SELF;
        let folders = Flags::CREATE | Flags::MOVED_TO | Flags::DELETE_SELF | Flags::MOVE_SELF;
        let looks = [Kind::Theme, Kind::Keymap].map(|kind| self.folder.join(kind.folder()));
        let rules = self.rules.iter().filter_map(|file| file.parent()).map(Path::to_owned);
        for wanted in looks.into_iter().chain(rules) {
            for (depth, folder) in wanted.ancestors().enumerate() {
                let flags = if depth == 0 { files } else { folders };
                match inotify::add_watch(&self.inotify, folder, flags | Flags::ONLYDIR) {
                    Ok(_) => break,
                    Err(Errno::NOENT | Errno::NOTDIR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Waits until something may have changed. May be dropped while waiting: nothing is lost.
    ///
    /// # Errors
    /// The system does not say any more.
    pub async fn changed(&mut self) -> io::Result<()> {
        loop {
            let due = match self.settled {
                Some(due) => due,
                None => {
                    drop(self.inotify.readable().await?);
                    *self.settled.insert(Instant::now() + SETTLE)
                }
            };
            sleep_until(due).await;
            self.settled = None;
            if self.take()? {
                self.arm()?;
                return Ok(());
            }
        }
    }

    /// Takes all that was reported; says whether any of it is of interest.
    fn take(&self) -> io::Result<bool> {
        let mut interesting = false;
        let taken = self.inotify.try_io(Interest::READABLE, |fd| {
            let mut buffer = [MaybeUninit::uninit(); 4096];
            let mut reader = inotify::Reader::new(fd, &mut buffer);
            loop {
                match reader.next() {
                    Ok(event) => interesting |= self.concerns(event.file_name().map(CStr::to_bytes)),
                    Err(Errno::INTR) => {}
                    Err(error) => return Err::<(), _>(error.into()),
                }
            }
        });
        match taken {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            Ok(()) | Err(_) => Ok(interesting),
        }
    }

    /// An event without a name is about a folder itself, or says that some were lost.
    fn concerns(&self, name: Option<&[u8]>) -> bool {
        use std::os::unix::ffi::OsStrExt;
        let Some(name) = name.map(OsStr::from_bytes) else { return true };
        let on_the_way =
            self.folder.iter().chain([OsStr::new("themes"), OsStr::new("keymaps")]).any(|part| part == name);
        let rules = self.rules.iter().flat_map(|file| file.iter()).any(|part| part == name);
        on_the_way || rules || Path::new(name).extension().is_some_and(|extension| extension == "ron")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Role;

    const LIKE_DARK: &str = r##"(like: "dark", roles: {Ok: "#010203"})"##;

    #[expect(clippy::disallowed_methods, reason = "a test of what files do")]
    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    #[test]
    fn a_file_wins_over_the_programs_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let loader = Loader::of_folder(folder.path());
        let own = Loader::default().load(Some("light"), Some("vim"), &[]);
        assert_eq!(own.themes, ["dark", "light", "high-contrast", "colour-blind-safe", "mono"]);
        assert_eq!(own.keymaps, ["default", "vim"]);
        assert!(own.theme.is_some_and(|theme| theme.is_ok()) && own.keymap.is_some_and(|keymap| keymap.is_ok()));

        write(&folder.path().join("themes/light.ron"), LIKE_DARK);
        write(&folder.path().join("themes/mine.ron"), LIKE_DARK);
        write(&folder.path().join("themes/.mine.ron.swp"), "no theme");
        write(&folder.path().join("themes/notes.txt"), "no theme");
        assert_eq!(loader.names(Kind::Theme)[5..], ["mine".to_owned()]);
        let light = loader.load(Some("light"), None, &[]).theme.expect("asked for").expect("a theme");
        let dark = Theme::standard();
        assert_eq!(light.name(), "light");
        assert_eq!(light.style(Role::Critical), dark.style(Role::Critical));
        assert_ne!(light.style(Role::Ok), dark.style(Role::Ok));
    }

    #[test]
    fn what_can_not_be_loaded_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let loader = Loader::of_folder(folder.path());
        let check = |kind, name: &str, want: &str| {
            let problem = loader.text(kind, name).expect_err(name).to_string();
            assert_eq!(problem.replace(&folder.path().display().to_string(), "~"), want);
        };
        check(
            Kind::Theme,
            "drak",
            "~/themes: there is no theme \"drak\"; there are dark, light, high-contrast, colour-blind-safe, mono; did you mean \
             dark?",
        );
        check(Kind::Keymap, "../default", "~/keymaps: there is no keymap \"../default\"; there are default, vim");
        check(Kind::Keymap, "", "~/keymaps: there is no keymap \"\"; there are default, vim");
        write(&folder.path().join("keymaps/vim.ron"), &" ".repeat(300_000));
        check(
            Kind::Keymap,
            "vim",
            "~/keymaps/vim.ron: it is larger than 262144 bytes; see whether it is the right file",
        );
        write(&folder.path().join("themes/mine.ron"), "(\n  roles: {\n    Okk: \"\",\n  },\n  like: \"dark\",\n)");
        let problems = loader.load(Some("mine"), None, &[]).theme.expect("asked for").expect_err("a mistake");
        assert!(problems[0].file.ends_with("themes/mine.ron") && (problems[0].line, problems[0].column) == (3, 5));
    }

    /// However a file is written, and wherever the folder comes from; and nothing is reported of other files.
    #[tokio::test]
    async fn changes_are_noticed() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("config/opsconsole");
        let rules = home.path().join("own/rules.yml");
        let mut watch = Watch::begin(&Loader::of_folder(&folder), &[rules.display().to_string()]).expect("a watch");
        let (theme, new) = (folder.join("themes/mine.ron"), folder.join("themes/.mine.new"));
        let still = |watch: &mut Watch| watch.take().expect("a look");

        write(&home.path().join("elsewhere.txt"), "x");
        assert!(!still(&mut watch));
        write(&theme, "1");
        watch.changed().await.expect("the folders were made");
        write(&theme, "2");
        watch.changed().await.expect("the file was written");
        write(&new, "3");
        std::fs::rename(&new, &theme).expect("a rename");
        watch.changed().await.expect("the file was replaced");
        std::fs::remove_file(&theme).expect("a removal");
        watch.changed().await.expect("the file was removed");
        std::fs::remove_dir_all(&folder).expect("a removal");
        watch.changed().await.expect("the folder was removed");
        write(&folder.join("keymaps/mine.ron"), "4");
        watch.changed().await.expect("the folder came back");
        write(&rules, "groups:");
        watch.changed().await.expect("the folder of the rules was made");
        write(&rules, "groups: []");
        watch.changed().await.expect("the rules were written");
        assert_eq!(rule_text(&rules.display().to_string()).text.as_deref(), Ok("groups: []"));
        assert!(rule_text("/proc/self").text.is_err_and(|why| why.contains("a folder")));
        write(&folder.join("keymaps/notes.txt"), "5");
        tokio::task::yield_now().await;
        assert!(!still(&mut watch));
    }
}
