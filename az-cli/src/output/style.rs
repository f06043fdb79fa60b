//! Terminal colours.

/// Wraps text in terminal colours, or returns it unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    colour: bool,
}

macro_rules! colours {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        impl Style {
            $($(#[$doc])*
            pub fn $name(self, text: &str) -> String {
                if self.colour { format!("\x1b[{}m{text}\x1b[0m", $code) } else { text.to_owned() }
            })+
        }
    };
}

colours! {
    /// Returns less important text.
    dim = "2";
    /// Returns important text.
    bold = "1";
    /// Returns text about a success.
    green = "32";
    /// Returns text about a failure.
    red = "31";
    /// Returns text about a warning.
    yellow = "33";
    /// Returns the name of a tool or a model.
    cyan = "36";
}

impl Style {
    /// Returns a style with colours.
    pub const fn coloured() -> Self {
        Self { colour: true }
    }

    /// Returns a style without colours.
    pub const fn plain() -> Self {
        Self { colour: false }
    }
}
