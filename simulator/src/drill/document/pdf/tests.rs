use super::read::{A4, pages, shown, within_margins};
use super::*;
use crate::drill::document::{Anchor, Cell, Colour, Figure, Shape, Table, Text, html};

fn document() -> Document {
    let mut document = Document {
        title: "Bearings & rings".to_owned(),
        edition: "for tests".to_owned(),
        about: "What <goods> are.".to_owned(),
        facts: vec![("seed", Text::default().code("33"))],
        cover: true,
        ..Document::default()
    };
    document.section("First section");
    document.heading(Text::default().plain("A case · ").good("stopped"));
    document.paragraph(
        Text::default()
            .plain("Plain, ")
            .bold("bold, ")
            .bad("bad.")
            .small(" Small ↑ ↓ ■ ○ ◇ ▬ – é Ж γ ა"),
    );
    let mut table = Table::new(&["time", "what"]).number("count");
    for row in 0..150 {
        table.row([
            format!("0:{row:02}").into(),
            "goods of some kind ".repeat(1 + row % 9).into(),
            row.to_string().into(),
        ]);
    }
    document.table(table);
    document.section("Second section");
    document.figure(Figure {
        width: 700.0,
        height: 120.0,
        share: 1.0,
        label: "a drawing",
        caption: "What is drawn.".into(),
        shapes: vec![
            Shape::rectangle((0.0, 0.0), 700.0, 10.0, Colour::BLUE).hint("hint"),
            Shape::words((690.0, 60.0), Anchor::End, "on the right"),
        ],
    });
    document
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    assert_eq!(file(&document()).unwrap(), file(&document()).unwrap());
}

#[test]
fn every_page_says_exercise_and_its_number_out_of_all_and_heads_come_again() {
    let pages = pages(&file(&document()).unwrap());
    assert!(pages.len() > 4, "{}", pages.len());
    for (place, page) in pages.iter().enumerate() {
        assert!(page.contains("EXERCISE · EXERCISE · EXERCISE"), "{place}");
        assert!(page.contains(&format!("page {} of {}", place + 1, pages.len())), "{place}");
        let rows = page.contains("goods of some kind");
        assert!(!rows || page.contains("time what count "), "{place}: {page}");
    }
    assert!(pages[0].contains("First section 2 ") && pages[0].contains("Second section"));
}

#[test]
fn print_and_browser_are_told_the_same() {
    let document = document();
    let printed = pages(&file(&document).unwrap()).join(" ");
    let page = html::page(&document);
    let shown = shown(&page);
    for word in shown.split_whitespace() {
        assert!(printed.contains(word), "{word}");
    }
    for row in 0..150 {
        assert!(printed.contains(&format!("0:{row:02} ")), "{row}");
    }
}

#[test]
fn nothing_leaves_the_paper_whatever_is_written() {
    let mut document = document();
    let word = "0123456789abcdef".repeat(20);
    let mut table = Table::new(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]);
    table.row((0..11).map(|_| Cell::from(word.clone())));
    document.table(table);
    document.paragraph(word.clone());
    for landscape in [false, true] {
        let document = Document { landscape, ..document.clone() };
        let file = file(&document).unwrap();
        within_margins(&file, if landscape { (A4.1, A4.0) } else { A4 });
        let all: String = pages(&file).concat().split_whitespace().collect();
        assert!(all.contains(&word));
    }
}

#[test]
fn a_row_that_is_longer_than_a_page_goes_on_overleaf() {
    let mut document = Document::default();
    let mut table = Table::new(&["number", "story"]);
    let story: Vec<String> = (0..2_000).map(|word| format!("w{word}")).collect();
    table.row(["1".into(), story.join(" ").into()]);
    document.table(table);
    let file = file(&document).unwrap();
    let pages = pages(&file);
    assert!(pages.len() > 1 && pages.iter().all(|page| page.contains("number story")));
    let all: Vec<String> = pages.concat().split_whitespace().map(str::to_owned).collect();
    assert!(story.iter().all(|word| all.contains(word)));
    within_margins(&file, A4);
}

#[test]
fn a_heading_stays_with_what_it_heads() {
    for lines in 20..50 {
        let mut document = Document::default();
        (0..lines).for_each(|_| document.paragraph("Words."));
        document.section("Head of a section");
        document.heading("Head of a part");
        let mut table = Table::new(&["first column"]);
        table.row(["first row".into()]);
        document.table(table);
        let pages = pages(&file(&document).unwrap());
        let with: Vec<&String> = pages.iter().filter(|page| page.contains("Head of a")).collect();
        let whole = |page: &str| page.contains("Head of a part") && page.contains("first row");
        assert!(with.len() == 1 && whole(with[0]), "{lines}");
    }
}

#[test]
fn letters_without_a_shape_are_boxes_that_know_what_they_are() {
    let mut document = Document::default();
    document.paragraph("Firm محمد and 東京 here");
    let file = file(&document).unwrap();
    let pages = pages(&file);
    for said in ["محمد", "東京", "stands for a letter"] {
        assert!(pages[0].contains(said), "{said}");
    }
    let plain = self::file(&Document::default()).unwrap();
    assert!(!self::pages(&plain)[0].contains("stands for"));
}
