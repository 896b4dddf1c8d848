//! The language, by example.

use bytes::Bytes;

use super::*;
use crate::filter::{Literal, Op};

fn declaration() -> RecordType {
    let set = Bytes::from_static(portcullis_proto::DESCRIPTOR_SET);
    RecordType::register(&set, "portcullis.record.v1.Declaration").unwrap()
}

fn parsed(text: &str) -> Filter {
    parse_expression(text, &declaration()).unwrap_or_else(|error| panic!("{}", error.render()))
}

fn fault(text: &str) -> (ExpressionFault, String) {
    let error = parse_expression(text, &declaration()).unwrap_err();
    (error.fault(), error.render())
}

fn compare(path: &str, op: Op, value: Literal) -> Filter {
    Filter::Compare { path: path.into(), op, value }
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    let a = || compare("id", Op::Equal, Literal::Text("a".into()));
    let not = |filter| Filter::Not(Box::new(filter));
    assert!(
        parsed("id = a or id = a and not id = a")
            == Filter::Any(vec![a(), Filter::All(vec![a(), not(a())])])
    );
    assert!(
        parsed("not (id = a or id = a) AND id = a")
            == Filter::All(vec![not(Filter::Any(vec![a(), a()])), a()])
    );
    assert!(
        parsed("(id = a and id = a) and id = a")
            == Filter::All(vec![Filter::All(vec![a(), a()]), a()])
    );
}

#[test]
fn values_are_read_by_the_type_of_their_field() {
    let text = |text: &str| Literal::Text(text.into());
    let millis = |millis| Literal::Time(crate::id::Moment(millis));
    let cases = [
        ("items.hs_code = 8471", "items.hs_code", text("8471")),
        ("office = in", "office", text("in")),
        ("office = true", "office", text("true")),
        ("office = 'it\\'s \\u{41}\"'", "office", text("it's A\"")),
        ("office = 'a\\r\\n\\tb'", "office", text("a\r\n\tb")),
        ("direction = IMPORT", "direction", text("IMPORT")),
        ("items.gross_mass_grams = -5", "items.gross_mass_grams", Literal::Integer(-5)),
        ("items.duty_rate = 5", "items.duty_rate", Literal::Integer(5)),
        ("items.duty_rate = 5.0", "items.duty_rate", Literal::Number(5.0)),
        ("items.value = 99.90", "items.value", Literal::Number(99.9)),
        ("accepted_at = 1970-01-02", "accepted_at", millis(86_400_000)),
        ("accepted_at = 1970-01-01T09:00:00.5+09:00", "accepted_at", millis(500)),
        ("id = token:\"p\\\"X\"", "id", Literal::Token("p\"X".into())),
    ];
    for (expression, path, value) in cases {
        assert!(parsed(expression) == compare(path, Op::Equal, value), "{expression}");
    }
    assert!(parsed("office not in ('a', b)") == parsed("not office in (a,b)"));
    assert!(parsed("country_of_destination in (IN, OR, NO)").to_string().contains("\"OR\""));
}

#[test]
fn errors_point_at_the_place() {
    let cases = [
        ("office =", ExpressionFault::Syntax, "expected a value\n  | office =\n  |         ^"),
        (
            "offise = 1",
            ExpressionFault::UnknownField,
            "did you mean `office`\n  | offise = 1\n  | ^^^^^^",
        ),
        ("hs_code = 1", ExpressionFault::UnknownField, "did you mean `items.hs_code`"),
        ("items = 1", ExpressionFault::NotAField, "`items` is a message"),
        ("direction = SIDEWAYS", ExpressionFault::DoesNotFit, "one of UNSPECIFIED, EXPORT, IMPORT"),
        ("direction < IMPORT", ExpressionFault::DoesNotFit, "only be compared with = != in"),
        ("items.gross_mass_grams > heavy", ExpressionFault::DoesNotFit, "an integer"),
        ("items.gross_mass_grams > '5'", ExpressionFault::DoesNotFit, "an integer"),
        ("items.duty_rate > inf", ExpressionFault::DoesNotFit, "a number"),
        ("examined_at = 5", ExpressionFault::DoesNotFit, "cannot be compared"),
        ("accepted_at > 2021-02-30", ExpressionFault::DoesNotFit, "a date such as"),
        ("items.sequence = token:'x'", ExpressionFault::DoesNotFit, "no pseudonym"),
        ("office in (a, token:'x')", ExpressionFault::DoesNotFit, "of one kind"),
        ("office in ()", ExpressionFault::Syntax, "expected a value"),
        ("office in a", ExpressionFault::Syntax, "expected `(`"),
        ("office prefix ''", ExpressionFault::DoesNotFit, "not empty"),
        ("direction prefix IM", ExpressionFault::DoesNotFit, "no prefix"),
        ("(office = a", ExpressionFault::Syntax, "expected `and`, `or` or `)`"),
        ("office = a)", ExpressionFault::Syntax, "closes nothing"),
        ("office = a office = b", ExpressionFault::Syntax, "`and`, `or` or the end"),
        ("office = 'a", ExpressionFault::Text, "not closed"),
        ("office = 'a\\q'", ExpressionFault::Text, "unknown escape\n".trim_end()),
        ("office = '\\u{110000}'", ExpressionFault::Text, "expected a character"),
        ("", ExpressionFault::Syntax, "expected a field"),
        ("and", ExpressionFault::Syntax, "expected a field"),
        ("office ! a", ExpressionFault::Syntax, "`!` has no meaning"),
    ];
    for (text, expected, part) in cases {
        let (fault, rendered) = fault(text);
        assert_eq!(fault, expected, "{text}: {rendered}");
        assert!(rendered.contains(part), "{text}: {rendered}");
    }
}

#[test]
fn the_caret_counts_characters_and_lines() {
    let (_, rendered) = fault("office = \"ÄÖ\"\n  or 関 = 1");
    assert_eq!(
        rendered,
        "line 2, column 6: `portcullis.record.v1.Declaration` has no field `関`\n  |   or 関 = 1\n  |      ^"
    );
}

#[test]
fn deep_nesting_is_an_error() {
    for open in ["(", "not ", "not ("] {
        let (fault, _) = fault(&format!("{}id = a", open.repeat(300)));
        assert_eq!(fault, ExpressionFault::TooDeep);
    }
    let (fault, _) = fault(&format!("{}id = a", "not ".repeat(16)));
    assert_eq!(fault, ExpressionFault::Limit);
}

#[test]
fn debug_of_an_error_shows_nothing_that_was_written() {
    let error = parse_expression("office = 'secret", &declaration()).unwrap_err();
    assert_eq!(format!("{error:?}"), "ExpressionError(EXPRESSION_TEXT at 9..10)");
}

#[test]
fn faults_are_words_that_stay() {
    use ExpressionFault::*;
    let words = [
        (Syntax, "EXPRESSION_SYNTAX"),
        (Text, "EXPRESSION_TEXT"),
        (UnknownField, "EXPRESSION_UNKNOWN_FIELD"),
        (NotAField, "EXPRESSION_NOT_A_FIELD"),
        (DoesNotFit, "EXPRESSION_DOES_NOT_FIT"),
        (TooDeep, "EXPRESSION_TOO_DEEP"),
        (Limit, "EXPRESSION_LIMIT"),
    ];
    for (fault, word) in words {
        assert_eq!(fault.word(), word);
    }
}

#[test]
fn an_endless_name_is_cut() {
    let text = format!("`{}` = 1", "\u{95a2}".repeat(1000));
    let error = parse_expression(&text, &declaration()).unwrap_err();
    let name = "\u{95a2}".repeat(80);
    let wanted =
        format!("line 1, column 1: `portcullis.record.v1.Declaration` has no field `{name}..`");
    assert_eq!(error.to_string(), wanted);
    assert!(error.render().len() < 1500, "{}", error.render().len());
}
