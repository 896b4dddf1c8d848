//! Reads files back, for tests: the words of a print with their places, and the words of a page for browsers.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::face::Faces;

/// Width and height of a page in points.
pub(crate) const A4: (f64, f64) = (595.28, 841.89);

/// Words as a file has them, with their place.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub page: usize,
    pub x: f64,
    pub y: f64,
    pub size: f64,
    pub bold: bool,
    pub text: String,
}

fn objects(file: &[u8]) -> BTreeMap<usize, (String, Vec<u8>)> {
    let find = |from: usize, what: &[u8]| {
        file[from..].windows(what.len()).position(|part| part == what).map(|at| from + at)
    };
    let (mut all, mut at) = (BTreeMap::new(), 0);
    while let Some(begin) = find(at, b" 0 obj") {
        let digits = file[..begin].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&file[begin - digits..begin]).unwrap().parse().unwrap();
        let end = find(begin, b"endobj").unwrap();
        let stream = find(begin, b"\nstream\n").filter(|stream| *stream < end);
        let dictionary =
            String::from_utf8_lossy(&file[begin + 6..stream.unwrap_or(end)]).into_owned();
        let mut bytes = vec![];
        at = end;
        if let Some(stream) = stream {
            let length: usize = after(&dictionary, "/Length ").unwrap();
            let packed = &file[stream + 8..stream + 8 + length];
            flate2::read::ZlibDecoder::new(packed).read_to_end(&mut bytes).unwrap();
            at = stream + 8 + length;
        }
        all.insert(number, (dictionary, bytes));
    }
    all
}

fn after(text: &str, key: &str) -> Option<usize> {
    let rest = text.split(key).nth(1)?;
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// Letters by code, of one of the two faces.
fn letters(all: &BTreeMap<usize, (String, Vec<u8>)>, face: &str) -> BTreeMap<u16, String> {
    let map = after(&all[&after(face, "").unwrap()].0, "/ToUnicode ").unwrap();
    let text = String::from_utf8(all[&map].1.clone()).unwrap();
    let hex = |text: &str| u16::from_str_radix(text, 16).unwrap();
    let pair = |line: &str| {
        let (code, letters) = line.strip_prefix('<')?.strip_suffix('>')?.split_once("> <")?;
        let units: Vec<u16> =
            (0..letters.len() / 4).map(|at| hex(&letters[at * 4..at * 4 + 4])).collect();
        (units.len() < 3).then(|| (hex(code), String::from_utf16(&units).unwrap()))
    };
    text.split("beginbfchar").skip(1).flat_map(|part| part.lines().filter_map(pair)).collect()
}

/// A string of a content stream, and what follows it.
fn string(text: &[u8]) -> (Vec<u8>, &[u8]) {
    if text[0] == b'<' {
        let end = text.iter().position(|byte| *byte == b'>').unwrap();
        return (hex::decode(&text[1..end]).unwrap(), &text[end + 1..]);
    }
    let (mut bytes, mut at, mut depth) = (vec![], 1, 1);
    loop {
        match text[at] {
            b'\\' => {
                at += 1;
                if text[at].is_ascii_digit() {
                    let octal = std::str::from_utf8(&text[at..at + 3]).unwrap();
                    bytes.push(u8::from_str_radix(octal, 8).unwrap());
                    at += 3;
                    continue;
                }
                bytes.push(match text[at] {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'f' => 12,
                    other => other,
                });
            }
            b')' if depth == 1 => return (bytes, &text[at + 1..]),
            other => {
                depth += i32::from(other == b'(') - i32::from(other == b')');
                bytes.push(other);
            }
        }
        at += 1;
    }
}

/// Everything that a file says, in the order in which it says it.
pub(crate) fn words(file: &[u8]) -> Vec<Word> {
    let all = objects(file);
    let faces = [letters(&all, "5"), letters(&all, "6")];
    let mut words = vec![];
    let kids = &all[&2].0;
    let kids = kids.split("/Kids").nth(1).unwrap().split(['[', ']']).nth(1).unwrap().to_owned();
    for (page, id) in
        kids.split(" 0 R").filter_map(|id| id.trim().parse::<usize>().ok()).enumerate()
    {
        let mut rest = all[&after(&all[&id].0, "/Contents ").unwrap()].1.as_slice();
        let (mut bold, mut size, mut actual) = (false, 0.0, None);
        let (mut held, mut token): (Vec<String>, String) = (vec![], String::new());
        let mut place = (0.0, 0.0);
        while let [first, after @ ..] = rest {
            rest = after;
            if *first == b'<' && after.first() == Some(&b'<') {
                rest = &after[1..];
                continue;
            }
            if matches!(first, b'(' | b'<') {
                let whole = [&[*first], after].concat();
                let (bytes, left) = string(&whole);
                rest = &after[after.len() - left.len()..];
                if held.last().is_some_and(|last| last == "/ActualText") || token == "/ActualText" {
                    actual = Some(bytes);
                    token.clear();
                    continue;
                }
                let codes = bytes.chunks(2).map(|code| u16::from_be_bytes([code[0], code[1]]));
                let text: String =
                    codes.map(|code| faces[usize::from(bold)][&code].clone()).collect();
                words.push(Word { page, x: place.0, y: place.1, size, bold, text });
                continue;
            }
            if !first.is_ascii_whitespace() {
                if *first == b'/' && !token.is_empty() {
                    held.push(std::mem::take(&mut token));
                }
                token.push(char::from(*first));
                continue;
            }
            let done = std::mem::take(&mut token);
            let number = |back: usize| held[held.len() - back].parse::<f64>().unwrap();
            match done.as_str() {
                "Tf" => (bold, size) = (held[held.len() - 2] == "/B", number(1)),
                "Td" | "Tm" => place = (number(2), number(1)),
                "EMC" => {
                    let bytes: Vec<u8> = actual.take().unwrap();
                    let units: Vec<u16> = bytes[2..]
                        .chunks(2)
                        .map(|two| u16::from_be_bytes([two[0], two[1]]))
                        .collect();
                    words.last_mut().unwrap().text = String::from_utf16(&units).unwrap();
                }
                "" => {}
                _ => {
                    held.push(done);
                    continue;
                }
            }
            held.clear();
        }
    }
    words
}

/// What each page says, words apart.
pub(crate) fn pages(file: &[u8]) -> Vec<String> {
    let mut pages: Vec<String> = vec![];
    for word in words(file) {
        pages.resize_with(pages.len().max(word.page + 1), String::new);
        pages[word.page] += &word.text;
        pages[word.page].push(' ');
    }
    pages
}

/// Every letter that is drawn lies on the paper within its margins, but for the furniture above and below.
pub(crate) fn within_margins(file: &[u8], (width, height): (f64, f64)) {
    let faces = Faces::new().unwrap();
    for word in words(file) {
        let right = word.x + faces.measure(&word.text, word.bold, word.size);
        assert!(word.x >= 41.9 && right <= width - 41.9, "{right} {word:?}");
        assert!(word.y >= 27.0 && word.y <= height - 30.0, "{word:?}");
    }
}

/// Words that a page for browsers shows, and not what it says only to who points at something.
pub(crate) fn shown(page: &str) -> String {
    let mut shown = String::new();
    let mut rest = page.split("</style>").nth(1).unwrap();
    while let Some((text, tag)) = rest.split_once('<') {
        shown += text;
        shown.push(' ');
        rest = tag.split_once('>').unwrap().1;
        if tag.starts_with("title>") {
            rest = rest.split_once("</title>").unwrap().1;
        }
    }
    shown.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
}

/// All that is drawn, as the file has it.
pub(crate) fn drawn(file: &[u8]) -> String {
    let streams = objects(file).into_values().map(|(_, bytes)| bytes);
    streams.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}
