use super::*;

#[test]
fn mistakes_are_told_one_by_one_and_the_rest_is_read() {
    let check = |text: &str, want: &[&str]| {
        let found: Vec<String> = Tree::of(text)
            .mistakes
            .iter()
            .map(|(place, what)| format!("{}:{} {what}", place.line, place.column))
            .collect();
        assert_eq!(found, want, "{text}");
    };
    check("(a: 1, b: [2, 3,], c: {\"k\": 'x'},)", &[]);
    check("(a: 1 b: 2)", &["1:7 a comma is missing before here"]);
    check("(a: [1, 2)", &["1:5 this [ is never closed"]);
    check("(a: (b: 1])", &["1:10 ] closes nothing here; ) is expected", "1:1 this ( is never closed"]);
    check("(a: , b: 2)", &["1:5 a value is missing here"]);
    check("(a: \"x\\q\")", &["1:7 no character is written like this; a backslash itself is \\\\"]);
    check("(a: 'prod', b: 1)", &["1:5 text stands in double quotes"]);
    check("(a: 1,, b: 2)", &["1:7 this comma follows no element"]);
    check("(a: 1) x", &["1:8 nothing belongs after the end of the whole"]);
    check("(a: \"x)", &["1:5 this string is never closed", "1:1 this ( is never closed"]);
    check(
        "{\"a\" 1}",
        &[
            "1:6 a colon is missing before here",
            "1:6 a comma is missing before here",
            "1:7 a colon is missing before here",
        ],
    );
    check("", &["1:1 a value is missing here"]);
}

#[test]
fn numbers_are_those_of_ron() {
    let check = |word: &str, want: Option<f64>| assert_eq!(number(word), want, "{word}");
    check("1_000", Some(1000.0));
    check("-2.5e1", Some(-25.0));
    check("0x1F", Some(31.0));
    check("true", None);
    check("Local", None);
    check("", None);
    check("infinity", None);
}

fn is_ron(text: &str) -> bool {
    let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    options.from_str::<ron::Value>(text).is_ok()
}

#[test]
fn what_comes_with_the_program_has_no_mistakes() {
    let mut seen = 0;
    for (id, files) in crate::systems::embedded() {
        for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".ron")) {
            seen += 1;
            assert_eq!(Tree::of(text).mistakes, [], "{id}/{path}");
        }
    }
    assert!(seen > 2);
}

proptest::proptest! {
    #[test]
    fn what_the_parser_takes_has_no_mistakes(text in "[\\[\\](){},:\"'a1.\\\\ -]{0,24}") {
        let tree = Tree::of(&text);
        if is_ron(&text) {
            proptest::prop_assert!(tree.mistakes.is_empty(), "{text}: {:?}", tree.mistakes);
        }
    }

    #[test]
    fn structures_that_the_parser_takes_have_no_mistakes(
        text in r#"\(a: (1|"x"|\[\]|\[1, 2,?\]|\(b: 2,?\)|B\(3\)|\{"k": C\}|'c'),? ?\)"#
    ) {
        proptest::prop_assert!(is_ron(&text), "{text}");
        proptest::prop_assert_eq!(Tree::of(&text).mistakes, []);
    }
}

#[test]
fn no_text_can_hold_the_scan() {
    let texts =
        ["", "(", "(((", "[,,,]]", "\"", "r#\"", "'", "/*", "{:}", ")", "#", "a(b:c(d:", "\\ \\", "{]:)", "($:@)"];
    for text in texts {
        let _ = Tree::of(text);
    }
    let _ = Tree::of(&"(".repeat(100_000));
    let _ = Tree::of(&"(]".repeat(10_000));
    let _ = Tree::of(&format!("({}", "]".repeat(100_000)));
}
