//! Path, query and body as one serde source, read without building a JSON tree first.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::StrDeserializer,
    },
    forward_to_deserialize_any,
};

use crate::route::{Kind, Parameter};

/// The values of one request.
pub(crate) struct Source<'a> {
    /// Path and query values, those of one parameter in the order they were given.
    pub(crate) given: &'a [(&'static Parameter, Cow<'a, str>)],
    /// The body.
    pub(crate) body: Body<'a>,
}

/// The body, if the route has one.
pub(crate) enum Body<'a> {
    None,
    Whole(&'a [u8]),
    Field(&'static str, &'a [u8]),
}

impl<'de> Deserializer<'de> for Source<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let given = Given::new(self.given);
        match self.body {
            Body::None => visitor.visit_map(Merged {
                given,
                body: Absent(PhantomData),
            }),
            Body::Whole(json) => {
                let mut json = serde_json::Deserializer::from_slice(json);
                let message = json.deserialize_map(Merging { given, visitor })?;
                json.end()?;
                Ok(message)
            }
            Body::Field(name, json) => {
                let mut json = serde_json::Deserializer::from_slice(json);
                let body = OneField {
                    name: Some(name),
                    value: &mut json,
                };
                let message = visitor.visit_map(Merged { given, body })?;
                json.end()?;
                Ok(message)
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// A visitor that shows the inner one the path's and query's values before the body's. A field
/// given in both is a duplicate, which the message itself refuses.
struct Merging<'a, V> {
    given: Given<'a>,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Merging<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, body: A) -> Result<Self::Value, A::Error> {
        self.visitor.visit_map(Merged {
            given: self.given,
            body,
        })
    }
}

struct Merged<'a, A> {
    given: Given<'a>,
    body: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Merged<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.given.advance() {
            Some(parameter) => seed
                .deserialize(parameter.json.into_deserializer())
                .map(Some),
            None => self.body.next_key_seed(seed),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.given.current.take() {
            Some(parameter) => seed.deserialize(self.given.values_of(parameter)),
            None => self.body.next_value_seed(seed),
        }
    }
}

/// Walks the given parameters, each once.
struct Given<'a> {
    all: &'a [(&'static Parameter, Cow<'a, str>)],
    next: usize,
    current: Option<&'static Parameter>,
}

impl<'a> Given<'a> {
    fn new(all: &'a [(&'static Parameter, Cow<'a, str>)]) -> Self {
        Self {
            all,
            next: 0,
            current: None,
        }
    }

    /// Steps to the next parameter that has not been walked.
    fn advance(&mut self) -> Option<&'static Parameter> {
        while let Some((parameter, _)) = self.all.get(self.next) {
            let seen = self
                .all
                .iter()
                .take(self.next)
                .any(|(other, _)| other == parameter);
            self.next += 1;
            if !seen {
                self.current = Some(parameter);
                return self.current;
            }
        }
        None
    }

    fn values_of<E>(&self, parameter: &'static Parameter) -> Values<'a, E> {
        Values {
            all: self.all,
            parameter,
            error: PhantomData,
        }
    }
}

/// Every value given for one parameter.
struct Values<'a, E> {
    all: &'a [(&'static Parameter, Cow<'a, str>)],
    parameter: &'static Parameter,
    error: PhantomData<E>,
}

impl<'a, E> Values<'a, E> {
    fn pop(&mut self) -> Option<Value<'a, E>> {
        while let Some(((parameter, value), rest)) = self.all.split_first() {
            self.all = rest;
            if *parameter == self.parameter {
                return Some(Value {
                    kind: parameter.kind,
                    text: value,
                    error: PhantomData,
                });
            }
        }
        None
    }
}

impl<'de, E: Error> Deserializer<'de> for Values<'_, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        if self.parameter.repeated {
            return visitor.visit_seq(self);
        }
        match self.pop() {
            Some(value) => value.deserialize_any(visitor),
            None => visitor.visit_unit(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, E: Error> SeqAccess<'de> for Values<'_, E> {
    type Error = E;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, E> {
        self.pop().map(|value| seed.deserialize(value)).transpose()
    }
}

/// One value: text, which the protobuf JSON mapping reads numbers, enums and times from; only a
/// boolean needs its own form.
struct Value<'a, E> {
    kind: Kind,
    text: &'a str,
    error: PhantomData<E>,
}

impl<'de, E: Error> Deserializer<'de> for Value<'_, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.kind {
            Kind::Boolean => match self.text.parse() {
                Ok(value) => visitor.visit_bool(value),
                Err(_) => Err(E::custom(self.kind.expectation())),
            },
            _ => visitor.visit_str(self.text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// No body.
struct Absent<E>(PhantomData<E>);

impl<'de, E: Error> MapAccess<'de> for Absent<E> {
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _seed: K) -> Result<Option<K::Value>, E> {
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, _seed: S) -> Result<S::Value, E> {
        Err(E::custom("there is no body"))
    }
}

/// A body that is one field.
struct OneField<'a, D> {
    name: Option<&'static str>,
    value: &'a mut D,
}

impl<'a, 'de, D, E: Error> MapAccess<'de> for OneField<'a, D>
where
    for<'b> &'b mut D: Deserializer<'de, Error = E>,
{
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, E> {
        let key = |name| seed.deserialize(StrDeserializer::new(name));
        self.name.take().map(key).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, E> {
        seed.deserialize(&mut *self.value)
    }
}
