//! For whom an answer is, while it is made and sent. The stacks say it for each request; what encodes
//! an answer or decodes a request asks here. Where nobody said it, nothing above public goes out.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU8, AtomicU16, Ordering},
};

use strata_core::{
    Bounded, Categories, Category, Classified, Clearance, Label, Sensitivity,
    masking::{Places, Tokens, beyond, goes_out_whole, mask},
};

tokio::task_local! {
    static RELEASE: Arc<Release>;
}

/// For whom one request is answered, and what of it must be told.
pub struct Release {
    answers: Clearance,
    requests: Clearance,
    tokens: Arc<dyn Tokens>,
    noted: AtomicU8,
    told: AtomicU8,
    held: AtomicU16,
    named: Mutex<Option<(&'static str, String)>>,
}

/// Something about a request that is an event of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A restricted value went out.
    Restricted,
    /// A value of a special category of personal data went out (GDPR Art. 9).
    SpecialCategory,
    /// The request held what its sender may not hold, and was refused.
    Refused,
}

impl Note {
    const ALL: [Self; 3] = [Self::Restricted, Self::SpecialCategory, Self::Refused];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A request holds what its sender may not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{place}` is beyond the caller's clearance: leave it out")]
pub struct Refused {
    /// The first such field, in JSON's names.
    pub place: String,
}

impl Release {
    /// `answers` is what may go out; `requests` is what the sender may hold.
    #[must_use]
    pub const fn new(answers: Clearance, requests: Clearance, tokens: Arc<dyn Tokens>) -> Self {
        Self {
            answers,
            requests,
            tokens,
            noted: AtomicU8::new(0),
            told: AtomicU8::new(0),
            held: AtomicU16::new(0),
            named: Mutex::new(None),
        }
    }

    /// Runs `work` for whom this is.
    pub fn enter<R>(self: &Arc<Self>, work: impl FnOnce() -> R) -> R {
        RELEASE.sync_scope(Arc::clone(self), work)
    }

    /// What was noted and not asked for before: each note once, however often it is made.
    pub fn untold(&self) -> impl Iterator<Item = Note> {
        let noted = self.noted.load(Ordering::Relaxed);
        let told = self.told.swap(noted, Ordering::Relaxed);
        let new = noted & !told;
        Note::ALL
            .into_iter()
            .filter(move |note| new & note.bit() != 0)
    }

    /// The most that the answer has held so far: the join of what its messages can hold of which its reader
    /// may hold all. RESTRICTED and SPECIAL_CATEGORY are in it only where such a value went out.
    #[must_use]
    pub fn held(&self) -> Label {
        let held = self.held.load(Ordering::Relaxed);
        let reached = |one: &Sensitivity| held & sensitivity_bit(*one) != 0;
        let sensitivity = SENSITIVITIES.into_iter().rev().find(reached);
        let of = Category::ALL
            .into_iter()
            .filter(|one| held & category_bit(*one) != 0);
        Label {
            sensitivity: sensitivity.unwrap_or_default(),
            categories: of.fold(Categories::NONE, |all, one| {
                all.union(Categories::of(&[one]))
            }),
        }
    }

    /// The object that the request names, once its message was read.
    pub fn named(&self) -> Option<(&'static str, String)> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.clone()
    }

    /// A message of this type was answered, of which so much of high sensitivity went out.
    fn hold(&self, whole: Label, released: Option<Label>) {
        let most = self.answers.narrowed_to(Clearance(whole)).0;
        let openly = released.unwrap_or_default();
        let sensitivity = match most.sensitivity {
            Sensitivity::Restricted => openly.sensitivity.max(Sensitivity::Confidential),
            lower => lower,
        };
        let special = |one: &Category| {
            *one != Category::SpecialCategory || openly.categories.iter().any(|it| it == *one)
        };
        let categories = most.categories.iter().filter(special);
        let bits = categories.map(category_bit);
        let bits = bits.fold(sensitivity_bit(sensitivity), |all, bit| all | bit);
        self.held.fetch_or(bits, Ordering::Relaxed);
    }

    fn note(&self, note: Note) {
        self.noted.fetch_or(note.bit(), Ordering::Relaxed);
    }

    fn released(&self, label: Label) {
        if label.sensitivity == Sensitivity::Restricted {
            self.note(Note::Restricted);
        }
        let special = Categories::of(&[Category::SpecialCategory]);
        if label.categories.contains(special) {
            self.note(Note::SpecialCategory);
        }
    }
}

const SENSITIVITIES: [Sensitivity; 4] = [
    Sensitivity::Public,
    Sensitivity::Internal,
    Sensitivity::Confidential,
    Sensitivity::Restricted,
];

const fn sensitivity_bit(sensitivity: Sensitivity) -> u16 {
    1 << sensitivity as u16
}

const fn category_bit(category: Category) -> u16 {
    1 << (8 + category as u16)
}

/// For whom the request of this task is answered; none outside of one.
#[must_use]
pub fn current() -> Option<Arc<Release>> {
    RELEASE.try_with(Arc::clone).ok()
}

/// Remembers the object that a request names.
pub fn names<T: Bounded>(message: &T) {
    let Some((field, id)) = message.resource() else {
        return;
    };
    // Outside of a request nobody asks.
    let _ = RELEASE.try_with(|release| {
        let mut named = release.named.lock().unwrap_or_else(PoisonError::into_inner);
        *named = Some((field, id.to_owned()));
    });
}

/// Masks an answer to whoever gets it. Gives the places that were masked.
pub fn answer<T: Classified>(message: &mut T) -> Places {
    let masked = RELEASE.try_with(|release| {
        if goes_out_whole::<T>(release.answers) {
            release.hold(T::LABEL, None);
            return Places::default();
        }
        let masked = mask(message, release.answers, &*release.tokens);
        release.hold(T::LABEL, masked.released);
        if let Some(label) = masked.released {
            release.released(label);
        }
        masked.places
    });
    masked.unwrap_or_else(|_| mask(message, Clearance::default(), &NoTokens).places)
}

/// Refuses a request that holds what its sender may not hold.
///
/// # Errors
/// [`Refused`] naming the first such field.
pub fn request<T: Classified>(message: &mut T) -> Result<(), Refused> {
    let places = RELEASE.try_with(|release| {
        let places = beyond(message, release.requests);
        if !places.is_empty() {
            release.note(Note::Refused);
        }
        places
    });
    let places = places.unwrap_or_else(|_| beyond(message, Clearance::default()));
    match places.into_iter().next() {
        Some(place) => Err(Refused { place }),
        None => Ok(()),
    }
}

/// Without a key, as outside of a request: what would become a token is left out.
#[derive(Clone, Copy, Debug)]
pub struct NoTokens;

impl Tokens for NoTokens {
    fn token(&self, _: &str, _: &str) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use strata_core::masking::{Combination, Mask, Masking, Value};

    use super::*;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Patient {
        name: String,
        illness: String,
        number: String,
    }

    const NAME: Label = Label::new(Sensitivity::Internal, &[Category::Personal]);
    const ILLNESS: Label = Label::new(
        Sensitivity::Confidential,
        &[Category::Personal, Category::SpecialCategory],
    );
    const NUMBER: Label = Label::new(Sensitivity::Restricted, &[Category::Personal]);
    const ALL: Label = Label::new(
        Sensitivity::Restricted,
        &[Category::Personal, Category::SpecialCategory],
    );

    const fn value(json: &'static str, label: Label, mask: Mask) -> Value {
        Value {
            json,
            label,
            kind: json,
            bit: 0,
            mask,
        }
    }

    impl Classified for Patient {
        const LABEL: Label = ALL;
        const COMBINATIONS: &'static [Combination] = &[];

        fn visit(&mut self, masking: &mut Masking<'_>) {
            let name = &const { value("name", NAME, Mask::Initial) };
            masking.text(name, &mut self.name);
            let illness = &const { value("illness", ILLNESS, Mask::Redact) };
            masking.text(illness, &mut self.illness);
            let number = &const { value("number", NUMBER, Mask::Token) };
            masking.text(number, &mut self.number);
        }
    }

    fn patient() -> Patient {
        Patient {
            name: "Ann".to_owned(),
            illness: "measles".to_owned(),
            number: "AB123456C".to_owned(),
        }
    }

    fn release(answers: Label, requests: Label) -> Arc<Release> {
        let (answers, requests) = (Clearance(answers), Clearance(requests));
        Arc::new(Release::new(answers, requests, Arc::new(NoTokens)))
    }

    #[test]
    fn an_answer_shows_what_whoever_gets_it_may_hold() {
        let mut all = patient();
        assert!(release(ALL, ALL).enter(|| answer(&mut all)).is_empty());
        assert_eq!(all, patient());
        let mut some = patient();
        let masked = release(NAME, ALL).enter(|| answer(&mut some));
        assert_eq!(masked.names(), ["illness", "number"]);
        assert_eq!((some.name.as_str(), some.illness.as_str()), ("Ann", ""));
    }

    #[test]
    fn for_nobody_nothing_above_public_goes_out() {
        let mut answered = patient();
        let masked = answer(&mut answered).names();
        assert_eq!(masked, ["illness", "name", "number"]);
        assert_eq!(answered.name, "A***");
        assert_eq!((answered.illness, answered.number), Default::default());
        let refused = request(&mut patient()).unwrap_err();
        assert_eq!(refused.place, "illness");
    }

    #[test]
    fn a_request_holds_no_more_than_its_sender_may() {
        assert!(release(NAME, ALL).enter(|| request(&mut patient())).is_ok());
        let narrow = release(ALL, ILLNESS);
        let refused = narrow.enter(|| request(&mut patient())).unwrap_err();
        assert_eq!(refused.place, "number");
        assert_eq!(narrow.untold().collect::<Vec<_>>(), [Note::Refused]);
    }

    #[test]
    fn what_an_answer_has_held_is_known() {
        let held = |answers, message: Patient| {
            let release = release(answers, ALL);
            release.enter(|| answer(&mut message.clone()));
            release.held()
        };
        assert_eq!(release(ALL, ALL).held(), Label::default());
        assert_eq!(held(ALL, patient()), ALL);
        // What is of high sensitivity is in it only where it went out.
        let personal = Label::new(Sensitivity::Confidential, &[Category::Personal]);
        assert_eq!(held(ALL, Patient::default()), personal);
        let illness = Patient {
            illness: "measles".to_owned(),
            ..Patient::default()
        };
        assert_eq!(held(ALL, illness), ILLNESS);
        assert_eq!(held(NAME, patient()), NAME);
        assert_eq!(held(Label::default(), patient()), Label::default());
    }

    #[test]
    fn what_a_request_names_is_remembered() {
        struct Named;
        impl Bounded for Named {
            fn check(&self) -> Result<(), strata_core::Excess> {
                Ok(())
            }

            fn resource(&self) -> Option<(&'static str, &str)> {
                Some(("patient_id", "pat_1"))
            }
        }
        names(&Named);
        assert!(current().is_none());
        let release = release(ALL, ALL);
        release.enter(|| {
            names(&Named);
            assert!(current().is_some());
        });
        let named = Some(("patient_id", "pat_1".to_owned()));
        assert_eq!(release.named(), named);
        assert_eq!(release.named(), named);
    }

    #[test]
    fn what_went_out_is_told_once() {
        let wide = release(ALL, ALL);
        assert_eq!(wide.untold().count(), 0);
        let illness = Patient {
            illness: "measles".to_owned(),
            ..Patient::default()
        };
        wide.enter(|| answer(&mut illness.clone()));
        assert_eq!(wide.untold().collect::<Vec<_>>(), [Note::SpecialCategory]);
        wide.enter(|| answer(&mut patient()));
        assert_eq!(wide.untold().collect::<Vec<_>>(), [Note::Restricted]);
        wide.enter(|| answer(&mut patient()));
        assert_eq!(wide.untold().count(), 0);
        let narrow = release(NAME, ALL);
        narrow.enter(|| answer(&mut patient()));
        assert_eq!(narrow.untold().count(), 0);
    }
}
