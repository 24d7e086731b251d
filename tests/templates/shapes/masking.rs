//! The masking that is made of a contract with every shape: whatever a clearance covers stays, and of
//! all else nothing is in the bytes that go out.

use std::collections::BTreeSet;

use pbjson_types::Timestamp;
use prost::Message as _;
use proto_system_shapes::v1::{
    Home, Shapes,
    shapes::{Choice, Part, part::Link},
};
use strata_core::{Category, Clearance, Label, Sensitivity, masking};
use strata_release::KeyedTokens;

const INTERNAL: Label = Label::new(Sensitivity::Internal, &[]);
const PERSONAL: Label = Label::new(Sensitivity::Confidential, &[Category::Personal]);
const PLACE: Label = Label::new(
    Sensitivity::Confidential,
    &[Category::Personal, Category::Location],
);
const SECRET: Label = Label::new(Sensitivity::Restricted, &[Category::Personal]);
/// What postcode, birth date and gender are together.
const TOGETHER: Label = Label::new(
    Sensitivity::Restricted,
    &[Category::Personal, Category::Location],
);
const ALL: Label = Label::new(Sensitivity::Restricted, &Category::ALL);

/// Where the message holds itself: as what it is in each place.
const PLACES: [&str; 6] = ["root", "inner", "more", "named", "whole", "back"];

/// The values of each.
const VALUES: [(&str, Label); 25] = [
    ("email", PERSONAL),
    ("phone", PERSONAL),
    ("holder", PERSONAL),
    ("picture", PERSONAL),
    ("print", PERSONAL),
    ("page", PERSONAL),
    ("first", PERSONAL),
    ("second", PERSONAL),
    ("tag", INTERNAL),
    ("colour", INTERNAL),
    ("#serial", SECRET),
    ("subject", PERSONAL),
    ("note", PERSONAL),
    ("key", INTERNAL),
    ("kept", PERSONAL),
    ("#ashade", INTERNAL),
    ("part", PERSONAL),
    ("spare", PERSONAL),
    ("type", INTERNAL),
    ("born-part", PERSONAL),
    ("born-kept", PERSONAL),
    ("postcode", PLACE),
    ("town", PLACE),
    ("area", PLACE),
    ("sex", PERSONAL),
];

/// What is chosen in some places.
const CHOSEN: [(&str, &str, Label); 5] = [
    ("whole", "gender", PERSONAL),
    ("inner", "#number", PERSONAL),
    ("more", "raw", PERSONAL),
    ("named", "chosen", PERSONAL),
    ("named", "mark-chosen", INTERNAL),
];

/// The values that single out together.
const SINGLED_OUT: [&str; 7] = [
    "gender",
    "sex",
    "born-part",
    "born-kept",
    "postcode",
    "town",
    "area",
];

/// A text found nowhere else. That of a number is its bytes, so it is searched for like any other.
fn text(place: &str, value: &str) -> String {
    match value.strip_prefix('#') {
        Some(value) => format!("#{place:.<6}{}", &value[..1]),
        None => format!("kanarie-{place}-{value};"),
    }
}

fn number(place: &str, value: &str) -> u64 {
    u64::from_le_bytes(text(place, value).into_bytes().try_into().unwrap())
}

fn part(place: &str, maker: &str, born: &str) -> Part {
    Part {
        maker: text(place, maker),
        born: format!("1984-{}", text(place, born)),
        link: Some(Link::Mark(text(place, &format!("mark-{maker}")))),
    }
}

fn shapes(place: &str) -> Shapes {
    let text = |value| text(place, value);
    let bytes = |value| text(value).into_bytes();
    Shapes {
        email: format!("{}@example.com", text("email")),
        phone: Some(format!("{}0123", text("phone"))),
        holder: text("holder"),
        picture: bytes("picture").into(),
        print: Some(bytes("print").into()),
        pages: vec![bytes("page").into()],
        names: vec![text("first"), text("second")],
        tags: vec![text("tag")],
        // Enums are open: these spell the text.
        colours: bytes("colour").into_iter().map(i32::from).collect(),
        serial: Some(number(place, "#serial")),
        notes: [(text("subject"), text("note"))].into(),
        parts: [(text("key"), part(place, "kept", "born-kept"))].into(),
        shades: [(number(place, "#ashade"), 1)].into(),
        since: Some(time()),
        part: Some(Box::new(part(place, "part", "born-part"))),
        spare: vec![part(place, "spare", "")],
        choice: None,
        inner: None,
        more: Vec::new(),
        named: [].into(),
        r#type: text("type"),
        home: Some(Home {
            postcodes: vec![format!("QX7 {}", text("postcode"))],
            areas: [(text("town"), text("area"))].into(),
            sex: Some(bytes("sex").into()),
        }),
    }
}

fn choosing(place: &str, choice: Choice) -> Shapes {
    Shapes {
        choice: Some(choice),
        ..shapes(place)
    }
}

fn time() -> Timestamp {
    Timestamp {
        seconds: 1_234_567,
        nanos: 0,
    }
}

/// All of it.
fn everything() -> Shapes {
    let raw = text("more", "raw").into_bytes().into();
    let chosen = Choice::Chosen(Box::new(part("named", "chosen", "")));
    let whole = choosing("whole", Choice::Gender(text("whole", "gender")));
    let mut back = part("root", "part", "born-part");
    back.link = Some(Link::Back(Box::new(shapes("back"))));
    Shapes {
        choice: Some(Choice::Whole(Box::new(whole))),
        inner: Some(Box::new(choosing(
            "inner",
            Choice::Number(number("inner", "#number")),
        ))),
        more: vec![choosing("more", Choice::Raw(raw))],
        named: [("name".to_owned(), choosing("named", chosen))].into(),
        part: Some(Box::new(back)),
        ..shapes("root")
    }
}

/// Every value there is, and what must be covered to see it.
fn values() -> Vec<(String, &'static str, Label)> {
    let of_each = PLACES
        .iter()
        .flat_map(|place| VALUES.map(|(value, label)| (*place, value, label)));
    let all = of_each.chain(CHOSEN);
    all.map(|(place, value, label)| {
        // What leads there says more.
        let label = if place == "named" {
            label.join(SECRET)
        } else {
            label
        };
        (text(place, value), value, label)
    })
    .collect()
}

/// What a clearance leaves, by the labels alone.
fn expected(clearance: Label) -> BTreeSet<String> {
    let is_left = |value: &str, label| {
        let singles_out = SINGLED_OUT.contains(&value);
        clearance.covers(label) && (!singles_out || clearance.covers(TOGETHER))
    };
    let values = values().into_iter();
    values
        .filter(|(_, value, label)| is_left(value, *label))
        .map(|(text, ..)| text)
        .collect()
}

/// What of the values is in the bytes of a message.
fn left(message: &Shapes) -> BTreeSet<String> {
    let bytes = message.encode_to_vec();
    let holds = |text: &String| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    let texts = values().into_iter().map(|(text, ..)| text);
    texts.filter(holds).collect()
}

fn masked(mut message: Shapes, clearance: Label) -> Shapes {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let tokens = KeyedTokens::parse(key.as_bytes()).unwrap();
    masking::mask(&mut message, Clearance(clearance), &tokens);
    message
}

#[test]
fn nothing_is_left_for_whoever_may_hold_nothing() {
    let all: BTreeSet<_> = values().into_iter().map(|(text, ..)| text).collect();
    assert_eq!(left(&everything()), all);
    let masked = masked(everything(), Clearance::default().0);
    assert_eq!(left(&masked), BTreeSet::new());
    let bytes = masked.encode_to_vec();
    assert!(!String::from_utf8_lossy(&bytes).contains("kanarie"));
}

#[test]
fn nothing_changes_for_whoever_may_hold_everything() {
    for clearance in [TOGETHER, ALL] {
        assert!(masked(everything(), clearance) == everything());
    }
}

#[test]
fn what_is_left_is_what_the_labels_say() {
    for clearance in [INTERNAL, PERSONAL, PLACE, SECRET, TOGETHER] {
        let left = left(&masked(everything(), clearance));
        assert_eq!(left, expected(clearance), "{clearance:?}");
    }
}

/// Each of them may be seen, and not all together.
#[test]
fn nothing_that_singles_out_is_left_without_all_of_it() {
    let left = left(&masked(everything(), PLACE));
    for value in SINGLED_OUT {
        let texts = PLACES.map(|place| text(place, value));
        assert!(texts.iter().all(|text| !left.contains(text)), "{value}");
    }
    assert!(left.contains(&text("root", "email")));
}

#[test]
fn masked_twice_is_masked_once() {
    let clearances = [Label::default(), INTERNAL, PERSONAL, PLACE, SECRET, ALL];
    for first in clearances {
        let once = masked(everything(), first);
        assert!(masked(once.clone(), first) == once, "{first:?}");
        for second in clearances {
            let other = masked(masked(everything(), second), first);
            let one = masked(once.clone(), second);
            assert!(one == other, "{first:?} {second:?}");
        }
    }
}

/// What spells no text.
#[test]
fn enums_and_times_are_taken_too() {
    for (choice, empty) in [
        (Choice::Colour(1), Choice::Colour(0)),
        (Choice::At(time()), Choice::At(Timestamp::default())),
    ] {
        let masked = masked(choosing("root", choice), Label::default());
        assert!(masked.choice.is_none_or(|left| left == empty));
        assert!(masked.since.is_none() && masked.shades.is_empty() && masked.colours.is_empty());
    }
}
