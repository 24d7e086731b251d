//! How a server reads requests and writes answers.

use std::marker::PhantomData;

use prost::Message;
use strata_core::{Bounded, Classified, Error, ErrorCode};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use crate::status::into_status;

/// The codec of generated servers: protobuf, of a request only what its contract bounds and its sender
/// may hold, of an answer only what whoever gets it may hold, message by message. tonic's
/// own answers INTERNAL for what cannot be decoded and repeats the decoder's words; here that is the
/// caller's mistake, and no words of a library go out.
pub struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for BoundedCodec<T, U>
where
    T: Message + Classified + Send + 'static,
    U: Message + Default + Bounded + Classified + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = MaskingEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        MaskingEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(PhantomData)
    }
}

/// See [`BoundedCodec`].
pub struct MaskingEncoder<T>(PhantomData<T>);

impl<T: Message + Classified> Encoder for MaskingEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, mut message: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        strata_release::answer(&mut message);
        // A buffer that grows has room for every message.
        message
            .encode(buffer)
            .map_err(|_| into_status(ErrorCode::Internal.into()))
    }
}

/// See [`BoundedCodec`].
pub struct BoundedDecoder<U>(PhantomData<U>);

impl<U: Message + Default + Bounded + Classified> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        decode(buffer).map(Some).map_err(into_status)
    }
}

fn decode<U: Message + Default + Bounded + Classified>(
    buffer: impl bytes::Buf,
) -> Result<U, Error> {
    let invalid = |text| Error::new(ErrorCode::InvalidArgument, text);
    let mut message = U::decode(buffer).map_err(|_| {
        invalid("the message cannot be decoded: send one of this method".to_owned())
    })?;
    message
        .check()
        .map_err(|excess| invalid(excess.to_string()))?;
    strata_release::names(&message);
    strata_release::request(&mut message)
        .map_err(|refused| Error::new(ErrorCode::PermissionDenied, refused.to_string()))?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strata_core::{
        Categories, Clearance, Excess, Label, Sensitivity,
        bounded::Field,
        masking::{Combination, Mask, Masking, Value},
    };
    use strata_release::{NoTokens, Release};

    use super::*;

    #[derive(Clone, PartialEq, Message)]
    struct Search {
        #[prost(string, tag = "1")]
        query: String,
    }

    impl Bounded for Search {
        fn check(&self) -> Result<(), Excess> {
            Field::new("query", "query").text(&self.query, 5)
        }
    }

    const INTERNAL: Label = Label::new(Sensitivity::Internal, &[]);

    impl Classified for Search {
        const LABEL: Label = INTERNAL;
        const COMBINATIONS: &'static [Combination] = &[];

        fn visit(&mut self, masking: &mut Masking<'_>) {
            let query = Value {
                json: "query",
                label: INTERNAL,
                kind: "",
                bit: 0,
                mask: Mask::Redact,
            };
            masking.text(&query, &mut self.query);
        }
    }

    /// Runs `work` for a workload that may hold this much.
    fn cleared<R>(sensitivity: Sensitivity, work: impl FnOnce() -> R) -> R {
        let clearance = Clearance(Label {
            sensitivity,
            categories: Categories::NONE,
        });
        Arc::new(Release::new(clearance, clearance, Arc::new(NoTokens))).enter(work)
    }

    fn search(query: &str) -> Result<Search, Error> {
        let query = query.to_owned();
        let bytes = Search { query }.encode_to_vec();
        cleared(Sensitivity::Internal, || decode(bytes.as_slice()))
    }

    #[test]
    fn a_request_beyond_its_senders_clearance_is_refused_by_the_fields_name() {
        let query = "short".to_owned();
        let bytes = Search { query }.encode_to_vec();
        let ask = |clearance| cleared(clearance, || decode::<Search>(bytes.as_slice()));
        assert!(ask(Sensitivity::Internal).is_ok());
        let refused = ask(Sensitivity::Public).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::PermissionDenied);
        assert!(refused.message().starts_with("`query` is beyond"));
        // Outside of the stack nobody may send anything.
        assert!(decode::<Search>(bytes.as_slice()).is_err());
        assert!(decode::<Search>([].as_slice()).is_ok());
    }

    #[test]
    fn a_request_beyond_its_limits_is_refused_by_the_fields_name() {
        assert_eq!(search("short").unwrap().query, "short");
        let refused = search("longer").unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidArgument);
        assert_eq!(
            refused.message(),
            "`query` is too long: send at most 5 characters"
        );
    }

    #[test]
    fn what_cannot_be_decoded_is_the_callers_mistake() {
        // Groups within one another (wire types 3 and 4), of a field that is not there: one that
        // many deep is skipped, one deeper is not.
        let nested = |depth| [vec![0x1b; depth], vec![0x1c; depth]].concat();
        assert!(decode::<Search>(nested(99).as_slice()).is_ok());
        for bytes in [nested(101), nested(100_000), vec![0x0a, 0xff], vec![7]] {
            let refused = decode::<Search>(bytes.as_slice()).unwrap_err();
            assert_eq!(refused.code(), ErrorCode::InvalidArgument);
            assert!(!refused.message().contains("recursion"));
        }
    }
}
