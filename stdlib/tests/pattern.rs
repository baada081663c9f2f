//! Lua patterns: results, errors, and input made to be slow.

use lunette_stdlib::pattern::{
    Capture, Caret, MatchError, Matcher, Pattern, PatternCache, Piece, Pieces, Stop, find_plain, has_specials,
};

/// `string.match`-like: the values of the first match, positions in brackets.
fn find(subject: &[u8], pattern: &str) -> Result<Option<Vec<String>>, MatchError> {
    find_with(subject, pattern.as_bytes(), &mut |_| Ok(()))
}

fn find_with(
    subject: &[u8],
    pattern: &[u8],
    poll: &mut dyn FnMut(u64) -> Result<(), Stop>,
) -> Result<Option<Vec<String>>, MatchError> {
    let pattern = Pattern::compile(pattern, Caret::Anchor)?;
    let mut matcher = Matcher::new();
    let Some(found) = matcher.find(&pattern, subject, 0, None, poll)? else { return Ok(None) };
    let values = (0..pattern.value_count()).map(|index| {
        Ok(match matcher.value(&pattern, found, index)? {
            Capture::Text { start, end } => String::from_utf8_lossy(&subject[start..end]).into_owned(),
            Capture::Position(position) => format!("[{}]", position + 1),
        })
    });
    values.collect::<Result<_, _>>().map(Some)
}

/// `gmatch` if the caret is literal, `gsub`'s search if it is an anchor: the matches in angle brackets.
fn mark_all(subject: &str, pattern: &str, caret: Caret) -> String {
    let pattern = Pattern::compile(pattern.as_bytes(), caret).unwrap();
    let (mut matcher, mut result, mut at, mut previous) = (Matcher::new(), String::new(), 0, None);
    while let Some(found) = matcher.find(&pattern, subject.as_bytes(), at, previous, &mut |_| Ok(())).unwrap() {
        result += &format!("{}<{}>", &subject[at..found.start], &subject[found.start..found.end]);
        at = found.end;
        previous = Some(at);
        if pattern.is_anchored() {
            break;
        }
    }
    result + &subject[at..]
}

#[test]
fn matches() {
    let cases: &[(&str, &str, Option<&[&str]>)] = &[
        ("key = value", "(%w+)%s*=%s*(%w+)", Some(&["key", "value"])),
        ("  trim me  ", "^%s*(.-)%s*$", Some(&["trim me"])),
        ("f(a(b)c)d", "%b()", Some(&["(a(b)c)"])),
        ("THE (quick) fox", "%f[%a]%a+%f[%A]", Some(&["THE"])),
        ("hello", "()ll()", Some(&["[3]", "[5]"])),
        ("say \"x\" now", "([\"'])(.-)%1", Some(&["\"", "x"])),
        ("aaab", "a-b", Some(&["aaab"])),
        ("aaab", "^a?a?b", None),
        ("aab", "^a?a?b", Some(&["aab"])),
        ("x]y", "[]]", Some(&["]"])),
        ("x-y", "[a-]", Some(&["-"])),
        ("0123456789", "[^%d]", None),
        ("a\nb", "a.b", Some(&["a\nb"])),
        ("a$", "a$$", Some(&["a$"])),
        ("a^b", "a^b", Some(&["a^b"])),
        ("", "", Some(&[""])),
        ("", ".", None),
        ("abc", "$", Some(&[""])),
        ("aXb", "%u", Some(&["X"])),
        ("((a)(b))", "%(%((.)", Some(&["a"])),
        ("abab", "(ab)%1", Some(&["abab"]).map(|_| &["ab"] as &[_])),
        ("nested", "(n(e)(st))", Some(&["nest", "e", "st"])),
        ("hello world", "o w", Some(&["o w"])),
        ("aaaa", "(a*)(a*)a", Some(&["aaa", ""])),
        ("one;two;;four", "([^;]*);;", Some(&["two"])),
    ];
    for (subject, pattern, expected) in cases {
        let expected = expected.map(|values| values.iter().map(|value| value.to_string()).collect::<Vec<_>>());
        assert_eq!(find(subject.as_bytes(), pattern), Ok(expected), "{subject:?} {pattern:?}");
    }
}

#[test]
fn successive_matches() {
    assert_eq!(mark_all("hello world", "o*", Caret::Anchor), "<>h<>e<>l<>l<o> <>w<o>r<>l<>d<>");
    assert_eq!(mark_all("abc", "%w", Caret::Anchor), "<a><b><c>");
    assert_eq!(mark_all("aaa", "^a", Caret::Anchor), "<a>aa");
    assert_eq!(mark_all("a^ab", "^a", Caret::Literal), "a<^a>b");
    assert_eq!(mark_all("one two", "%a+", Caret::Literal), "<one> <two>");
    assert_eq!(mark_all("abc", "", Caret::Anchor), "<>a<>b<>c<>");
}

#[test]
fn errors_have_puc_messages() {
    let cases = [
        ("a", "a%", "malformed pattern (ends with '%')"),
        ("a", "[a", "malformed pattern (missing ']')"),
        ("a", "[]", "malformed pattern (missing ']')"),
        ("a", "[^]", "malformed pattern (missing ']')"),
        ("a", "[a%]", "malformed pattern (missing ']')"),
        ("a", "[a%", "malformed pattern (missing ']')"),
        ("a", "%b", "malformed pattern (missing arguments to '%b')"),
        ("a", "%ba", "malformed pattern (missing arguments to '%b')"),
        ("a", "%f", "missing '[' after '%f' in pattern"),
        ("a", "%fa", "missing '[' after '%f' in pattern"),
        ("a", "a)", "invalid pattern capture"),
        ("a", "%1", "invalid capture index %1"),
        ("a", "%0", "invalid capture index %0"),
        ("a", "(%1)", "invalid capture index %1"),
        ("a", "(a", "unfinished capture"),
    ];
    for (subject, pattern, message) in cases {
        assert_eq!(find(subject.as_bytes(), pattern).unwrap_err().to_string(), message, "{pattern}");
    }
    assert_eq!(find(b"a", &"(a)".repeat(33)), Ok(None));
    assert_eq!(find(&[b'a'; 40], &"(a)".repeat(33)).unwrap_err().to_string(), "too many captures");
}

#[test]
fn errors_wait_until_a_match_gets_there() {
    assert_eq!(find(b"b", "a%"), Ok(None));
    assert_eq!(find(b"b", "a[x"), Ok(None));
    assert_eq!(find(b"x", "a-b)"), Ok(None));
}

#[test]
fn complexity_has_puc_limit() {
    let subject = [b'a'; 300];
    assert!(find(&subject, &"a?".repeat(199)).is_ok());
    assert_eq!(find(&subject, &"a?".repeat(200)), Err(MatchError::TooComplex));
    assert!(find(&subject, &("(a)".to_string() + &"a?".repeat(197))).is_ok());
    assert_eq!(find(&subject, &("(a)".to_string() + &"a?".repeat(198))), Err(MatchError::TooComplex));
    // Items that match nothing take no level.
    assert!(find(b"b", &"a?".repeat(100_000)).is_ok());
    assert_eq!(find(&subject, &"a?".repeat(100_000)), Err(MatchError::TooComplex));
}

#[test]
fn slow_patterns_are_interrupted() {
    let subject = vec![b'a'; 1_000_000];
    for pattern in ["a-a-a-a-b", "a*a*a*a*b", ".-.-.-.-b$", "(a*)*%1b", "[ab]*[ab]*[ab]*c", "%b()%b()", "a.-a.-a.-x"] {
        let mut fuel = 2_000_000u64;
        let mut poll = |steps| {
            fuel = fuel.checked_sub(steps).ok_or(Stop)?;
            Ok(())
        };
        match find_with(&subject, pattern.as_bytes(), &mut poll) {
            Err(MatchError::Interrupted) | Ok(None) => {}
            other => panic!("{pattern}: {other:?}"),
        }
    }
    let parentheses = vec![b'('; 1_000_000];
    let stop = find_with(&parentheses, b"%b()", &mut |_| Err(Stop));
    assert_eq!(stop, Err(MatchError::Interrupted));
}

#[test]
fn long_subjects_are_linear_where_puc_is() {
    let mut subject = vec![b'a'; 3_000_000];
    subject.extend_from_slice(b" b=c");
    let mut steps = 0;
    let mut poll = |more| {
        steps += more;
        Ok(())
    };
    let found = find_with(&subject, b"(.-) (%w)=(%w+)$", &mut poll).unwrap().unwrap();
    assert_eq!((found[0].len(), &*found[1], &*found[2]), (3_000_000, "b", "c"));
    assert!((3_000_000..3_100_000).contains(&steps), "{steps}");
}

#[test]
fn replacements() {
    let pieces = |text| Pieces::new(text).collect::<Result<Vec<_>, _>>();
    assert_eq!(
        pieces(b"<%1>%%%0"),
        Ok(vec![Piece::Text(b"<"), Piece::Capture(0), Piece::Text(b">"), Piece::Text(b"%"), Piece::Match])
    );
    assert_eq!(pieces(b"a%").unwrap_err().to_string(), "invalid use of '%' in replacement string");
    assert_eq!(pieces(b"a%x"), Err(MatchError::InvalidReplacement));
}

#[test]
fn values_beyond_the_captures() {
    let pattern = Pattern::compile(b"(a)", Caret::Anchor).unwrap();
    let mut matcher = Matcher::new();
    let found = matcher.find(&pattern, b"a", 0, None, &mut |_| Ok(())).unwrap().unwrap();
    assert_eq!(matcher.value(&pattern, found, 1).unwrap_err().to_string(), "invalid capture index %2");
}

#[test]
fn plain_search() {
    assert_eq!(find_plain(b"a.b.c", b".c"), Some(3));
    assert_eq!(find_plain(b"abc", b""), Some(0));
    assert_eq!(find_plain(b"ab", b"abc"), None);
    assert!(has_specials(b"a-b") && !has_specials(b"a)b]"));
}

#[test]
fn the_cache_tells_patterns_apart() {
    let mut cache = PatternCache::new();
    for round in 0..3 {
        for length in 0..200 {
            let text = format!("^{}", "(a)".repeat(length % 30));
            let anchored = cache.get(text.as_bytes(), text.len() as u32, Caret::Anchor).unwrap();
            assert_eq!((anchored.capture_count(), anchored.is_anchored()), (length % 30, true), "{round}");
            assert!(!cache.get(text.as_bytes(), text.len() as u32, Caret::Literal).unwrap().is_anchored());
        }
    }
}
