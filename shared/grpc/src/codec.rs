//! How a server reads requests and writes answers.

use std::marker::PhantomData;

use prost::Message;
use strata_core::{Bounded, Error, ErrorCode};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstEncoder};

use crate::status::into_status;

/// The codec of generated servers: protobuf, and of a request only what its contract bounds. tonic's
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
    T: Message + Send + 'static,
    U: Message + Default + Bounded + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(Default::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(PhantomData)
    }
}

/// See [`BoundedCodec`].
pub struct BoundedDecoder<U>(PhantomData<U>);

impl<U: Message + Default + Bounded> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        decode(buffer).map(Some).map_err(into_status)
    }
}

fn decode<U: Message + Default + Bounded>(buffer: impl bytes::Buf) -> Result<U, Error> {
    let invalid = |text| Error::new(ErrorCode::InvalidArgument, text);
    let message = U::decode(buffer).map_err(|_| {
        invalid("the message cannot be decoded: send one of this method".to_owned())
    })?;
    message
        .check()
        .map_err(|excess| invalid(excess.to_string()))?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use strata_core::{Excess, bounded::Field};

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

    fn search(query: &str) -> Result<Search, Error> {
        let query = query.to_owned();
        decode(Search { query }.encode_to_vec().as_slice())
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
