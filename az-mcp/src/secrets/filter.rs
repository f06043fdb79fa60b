//! Masks secrets in a text that arrives in pieces.

use az_core::secret::MASK;

use super::known::KnownSecrets;

/// Masks the secrets in a text that arrives in pieces, before the text is cut: a secret on both sides of a
/// cut could not be found any more.
///
/// Bytes that may begin a secret are held back until the next ones decide whether they do.
#[derive(Debug, Clone, Default)]
pub struct SecretFilter {
    secrets: KnownSecrets,
    held: Vec<u8>,
}

impl SecretFilter {
    /// Creates a filter.
    pub const fn new(secrets: KnownSecrets) -> Self {
        Self { secrets, held: Vec::new() }
    }

    /// Adds bytes; passes on to `emit` what is decided.
    pub fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(&[u8])) {
        if self.secrets.is_empty() {
            return emit(bytes);
        }
        self.held.extend_from_slice(bytes);
        let open = self.secrets.beginning_at_end(&self.held);
        if open > 0 {
            let passed = self.pass(open, &mut emit);
            self.held.drain(..passed);
        }
    }

    /// Passes on the bytes that are held back.
    pub fn finish(mut self, mut emit: impl FnMut(&[u8])) {
        self.pass(self.held.len(), &mut emit);
        self.held.clear();
    }

    /// Passes on the bytes up to `open`, and a secret that begins before it. Returns their number.
    fn pass(&self, open: usize, emit: &mut impl FnMut(&[u8])) -> usize {
        let mut passed = 0;
        for found in self.secrets.find_in(&self.held).take_while(|found| found.start < open) {
            emit(self.held.get(passed..found.start).unwrap_or_default());
            emit(MASK.as_bytes());
            passed = found.end;
        }
        emit(self.held.get(passed..open).unwrap_or_default());
        passed.max(open)
    }
}
