use proptest::prelude::*;

use super::*;

/// `feed` of everything at once, then the silence that ends a lone ESC.
fn read(bytes: &[u8]) -> Vec<TermEvent> {
    let (mut parser, mut events) = (InputParser::new(), Vec::new());
    parser.feed(bytes, &mut events);
    parser.flush_escape(&mut events);
    events
}

#[track_caller]
fn check(bytes: &[u8], expected: &[&str]) {
    let shown: Vec<String> = read(bytes).iter().map(show).collect();
    assert_eq!(shown, expected, "{:?}", String::from_utf8_lossy(bytes));
}

fn show(event: &TermEvent) -> String {
    match event {
        TermEvent::Key(key) => key.to_string(),
        TermEvent::Paste { text, dropped_bytes: 0 } => format!("paste {text:?}"),
        TermEvent::Paste { text, dropped_bytes } => format!("paste {} bytes, {dropped_bytes} dropped", text.len()),
        TermEvent::Mouse => "mouse".into(),
        TermEvent::Status => "status".into(),
        TermEvent::CursorPosition { row, column } => format!("at {row},{column}"),
        TermEvent::Focus(gained) => format!("focus {gained}"),
        TermEvent::ModeReport { mode, known } => format!("mode {mode} {known}"),
        TermEvent::Unknown => "unknown".into(),
    }
}

#[test]
fn plain_keys() {
    check(b"aZ ?", &["a", "Z", "space", "?"]);
    check(b"\r\t\x7f\x08", &["enter", "tab", "backspace", "backspace"]);
    check(b"\x01\x03\x1a\n\x00", &["ctrl-a", "ctrl-c", "ctrl-z", "ctrl-j", "ctrl-space"]);
    check(b"\x1c\x1d\x1e\x1f", &["ctrl-\\", "ctrl-]", "ctrl-^", "ctrl-_"]);
    check("é日🚀".as_bytes(), &["é", "日", "🚀"]);
}

#[test]
fn escape_alone_and_before_other_keys() {
    check(b"\x1b", &["esc"]);
    check(b"\x1b\x1b", &["esc", "esc"]);
    check(b"\x1b\x1b\x1b", &["esc", "esc", "esc"]);
    check(b"\x1bx\x1b\r\x1b\x7f\x1b\x01", &["alt-x", "alt-enter", "alt-backspace", "ctrl-alt-a"]);
    check("\x1bé".as_bytes(), &["alt-é"]);
    check(b"\x1b\x1b[A", &["alt-up"]);
    check(b"\x1b\x1bx", &["esc", "alt-x"]);
}

#[test]
fn an_escape_right_before_an_answer_is_a_key() {
    check(b"\x1b\x1b[0n", &["esc", "status"]);
    check(b"x\x1b\x1b[0nx", &["x", "esc", "status", "x"]);
    check(b"\x1b\x1b[?2026;2$y", &["esc", "mode 2026 true"]);
    check(b"\x1b\x1b[200~y\x1b[201~", &["esc", "paste \"y\""]);
    check(b"\x1b\x1b[I", &["esc", "focus true"]);
}

#[test]
fn keys_sent_as_sequences() {
    check(b"\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F", &["up", "down", "right", "left", "home", "end"]);
    check(b"\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF", &["up", "down", "right", "left", "home", "end"]);
    check(b"\x1b[1~\x1b[4~\x1b[7~\x1b[8~", &["home", "end", "home", "end"]);
    check(b"\x1b[3~\x1b[5~\x1b[6~", &["delete", "pageup", "pagedown"]);
    check(b"\x1b[1;5C\x1b[1;3D\x1b[1;7A\x1b[1;2B", &["ctrl-right", "alt-left", "ctrl-alt-up", "down"]);
    check(b"\x1b[3;5~\x1b[6;3~", &["ctrl-delete", "alt-pagedown"]);
    check(b"\x1b[Z\x1b[1;2Z", &["backtab", "backtab"]);
    check(b"\x1bOP\x1bOQ\x1bOR\x1bOS", &["f1", "f2", "f3", "f4"]);
    check(b"\x1b[11~\x1b[15~\x1b[17~\x1b[21~\x1b[23~\x1b[24~", &["f1", "f5", "f6", "f10", "f11", "f12"]);
    check(b"\x1b[1;5P\x1b[15;5~\x1b[[A\x1b[[E", &["ctrl-f1", "ctrl-f5", "f1", "f5"]);
    check(b"\x1b[3^\x1bOa\x1b[b", &["ctrl-delete", "ctrl-up", "down"]);
}

#[test]
fn keys_sent_by_code_point() {
    check(b"\x1b[97u\x1b[97;5u\x1b[97;3u\x1b[97;2u", &["a", "ctrl-a", "alt-a", "A"]);
    check(b"\x1b[49:33;2u", &["!"]);
    check(b"\x1b[13u\x1b[9u\x1b[9;2u\x1b[27u\x1b[127u", &["enter", "tab", "backtab", "esc", "backspace"]);
    check(b"\x1b[27;5;105~", &["ctrl-i"]);
    // A release, a key with super, and a private code point are no keys.
    check(b"\x1b[97;1:3u\x1b[97;9u\x1b[57358u", &["unknown", "unknown", "unknown"]);
    check(b"\x1b[1;1:3A", &["unknown"]);
}

#[test]
fn what_the_terminal_reports_is_no_key() {
    check(b"\x1b[0n\x1b[3n", &["status", "unknown"]);
    check(b"\x1b[12;34R\x1b[?12;34R", &["at 12,34", "at 12,34"]);
    check(b"\x1b[I\x1b[O", &["focus true", "focus false"]);
    check(b"\x1b[<0;10;20M\x1b[<35;10;20m\x1b[32;10;20M", &["mouse", "mouse", "mouse"]);
    check(b"\x1b[M !!q", &["mouse", "q"]);
    check(b"\x1b[M\xff\xff\xffq", &["mouse", "q"]);
    check(b"\x1b[?2026;2$y\x1b[?2026;0$y", &["mode 2026 true", "mode 2026 false"]);
    check(b"\x1b[?62;22c\x1b[>1;10;0c\x1b[8;24;80t\x1b[2~", &["unknown"; 4]);
}

#[test]
fn strings_are_swallowed_whole() {
    check(b"\x1b]11;rgb:0000/0000/0000\x07q", &["unknown", "q"]);
    check(b"\x1b]52;c;eXk=\x1b\\q", &["unknown", "q"]);
    check(b"\x1bP1+r544e=787465726d\x1b\\\x1b_G;OK\x1b\\\x1b^x\x1b\\q", &["unknown", "unknown", "unknown", "q"]);
    check(b"\x1bPy\x07y\x1b\\q", &["unknown", "q"]);
    check(b"\x1b]0;t\x18q", &["unknown", "q"]);
    // Given up by the terminal in the middle: the next sequence is read for itself.
    check(b"\x1b]0;title\x1b[A", &["unknown", "up"]);
    // Far past the limit, and still not one key of it.
    let mut long = b"\x1b]".to_vec();
    long.extend(std::iter::repeat_n(b'y', 3 * STRING_LIMIT_BYTES));
    check(&long, &[]);
    long.extend(b"\x07q");
    check(&long, &["unknown", "q"]);
}

#[test]
fn broken_sequences_do_not_fall_apart_into_keys() {
    check(b"\x1b[12;\x1b[A", &["unknown", "up"]);
    check(b"\x1b[1\r2;3Xq", &["unknown", "q"]);
    check(b"\x1b[\xff1yq", &["unknown", "q"]);
    check(b"\x1b[1\x18q", &["unknown", "q"]);
    let mut long = b"\x1b[".to_vec();
    long.extend(std::iter::repeat_n(b'1', 500));
    long.extend(b"Aq");
    check(&long, &["unknown", "q"]);
    check(b"\x1b[99999999999999Aq", &["up", "q"]);
    check(b"\x1b[201~q", &["unknown", "q"]);
    check(b"\xc3\xff\x80\xe2\x82a\xc0\xaf", &["a"]);
    // C1 and invisible characters are no text.
    check("\u{9b}A\u{202e}\u{200d}".as_bytes(), &["unknown", "A", "unknown", "unknown"]);
}

#[test]
fn a_paste_is_one_event_and_no_key() {
    check(b"\x1b[200~yes\r\nno\rq\x1b[201~q", &[r#"paste "yes\nno\nq""#, "q"]);
    check(b"\x1b[200~\x1b[201~", &[r#"paste """#]);
    check(b"\x1b[200~\x1b[A\x1b[20\x1b\x1b[201~", &[r#"paste "\u{1b}[A\u{1b}[20\u{1b}""#]);
    check(b"\x1b[200~\xff\x03\x1b[201~", &[r#"paste "�\u{3}""#]);
    let mut long = b"\x1b[200~".to_vec();
    long.extend(std::iter::repeat_n(b'y', PASTE_LIMIT_BYTES + 7));
    long.extend(b"\x1b[201~q");
    check(&long, &["paste 65536 bytes, 7 dropped", "q"]);
}

#[test]
fn a_paste_cut_within_a_character_keeps_whole_characters() {
    let mut long = b"\x1b[200~".to_vec();
    long.extend("é".repeat(PASTE_LIMIT_BYTES / 2 - 1).bytes());
    long.extend("日".bytes());
    long.extend(b"\x1b[201~");
    check(&long, &["paste 65534 bytes, 3 dropped"]);
}

#[test]
fn silence_ends_what_has_no_end() {
    let check = |bytes: &[u8], waits: Waits, expected: &[&str]| {
        let (mut parser, mut events) = (InputParser::new(), Vec::new());
        parser.feed(bytes, &mut events);
        assert_eq!(parser.waits(), waits, "{bytes:?}");
        if waits != Waits::Escape {
            // The short silence decides nothing but a lone ESC.
            parser.flush_escape(&mut events);
            assert!(events.is_empty(), "{bytes:?}");
        }
        parser.flush_unfinished(&mut events);
        assert_eq!(parser.waits(), Waits::Nothing, "{bytes:?}");
        parser.feed(b"q", &mut events);
        assert_eq!(events.iter().map(show).collect::<Vec<_>>(), expected, "{bytes:?}");
    };
    check(b"\x1b", Waits::Escape, &["esc", "q"]);
    check(b"\x1b]0;half", Waits::Sequence, &["unknown", "q"]);
    check(b"\x1bP", Waits::Sequence, &["unknown", "q"]);
    check(b"\x1b[", Waits::Sequence, &["unknown", "q"]);
    check(b"\x1b[1;", Waits::Sequence, &["unknown", "q"]);
    check(b"\x1bO", Waits::Sequence, &["unknown", "q"]);
    check(b"\xe2\x82", Waits::Sequence, &["unknown", "q"]);
    check(b"\x1b[200~yes\r", Waits::Paste, &[r#"paste "yes\n""#, "q"]);
    check(b"\x1b[200~yes\x1b[20", Waits::Paste, &[r#"paste "yes\u{1b}[20""#, "q"]);
}

/// Pieces that are likelier to reach every state than random bytes are.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            &b"\x1b"[..], b"\x1b[", b"\x1b[200~", b"\x1b[201~", b"\x1b]", b"\x1bP", b"\x1b\\", b"\x07", b"\x1bO", b"\x1b[M",
            b"\x1b[<0;1;1M", b"\x1b[0n", b"\x1b[1;5C", b"\x1b[[A", "日".as_bytes(), "é".as_bytes(), b"y\r", b"\x18",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let (mut parser, mut events) = (InputParser::new(), Vec::new());
        parser.feed(&bytes, &mut events);
        parser.flush_unfinished(&mut events);
        prop_assert_eq!(parser.waits(), Waits::Nothing);
        prop_assert!(events.len() <= bytes.len() + 2);
    }

    #[test]
    fn cutting_the_input_anywhere_changes_nothing(bytes in pieces(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let whole = read(&bytes);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let (mut parser, mut events, mut from) = (InputParser::new(), Vec::new(), 0);
        for cut in cuts {
            parser.feed(&bytes[from..cut], &mut events);
            from = cut;
        }
        parser.feed(&bytes[from..], &mut events);
        parser.flush_escape(&mut events);
        prop_assert_eq!(events, whole);
    }

    #[test]
    fn whatever_is_pasted_is_one_paste(text in "[ -~\r\n\t\u{3}\u{1b}é日]{0,200}", cut in any::<prop::sample::Index>()) {
        prop_assume!(!text.contains("\x1b[201~"));
        let bytes = [b"\x1b[200~", text.as_bytes(), b"\x1b[201~"].concat();
        let (mut parser, mut events) = (InputParser::new(), Vec::new());
        let cut = cut.index(bytes.len());
        parser.feed(&bytes[..cut], &mut events);
        parser.feed(&bytes[cut..], &mut events);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(events, vec![TermEvent::Paste { text, dropped_bytes: 0 }]);
    }
}
