//! SHA-256 of what is compared or handed over, as `sha256sum` writes it, so that who has no part of this
//! repository can make it again.

use sha2::{Digest as _, Sha256};

/// In lower-case hexadecimal.
pub(crate) fn of(content: impl AsRef<[u8]>) -> String {
    format!("{:x}", Sha256::digest(content))
}

/// A line for each file, as `sha256sum` prints it and `sha256sum --check` reads it.
pub(crate) fn lines<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let lines = files.into_iter();
    let lines = lines.map(|(name, content)| format!("{}  {name}\n", of(content)));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_sha256sum_prints() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of("abc"), abc);
        assert_eq!(
            lines([("one", "abc"), ("two/three", "abc")]),
            format!("{abc}  one\n{abc}  two/three\n")
        );
    }
}
