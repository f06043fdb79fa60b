//! Colours, where they are welcome.

/// Wraps text in terminal colours, or leaves it alone.
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
    /// For what matters less.
    dim = "2";
    /// For what matters more.
    bold = "1";
    /// For what went well.
    green = "32";
    /// For what did not.
    red = "31";
    /// For what needs a look.
    yellow = "33";
    /// For names of tools and models.
    cyan = "36";
}

impl Style {
    /// Returns a style with colours.
    pub const fn coloured() -> Self {
        Self { colour: true }
    }

    /// Returns a style without.
    pub const fn plain() -> Self {
        Self { colour: false }
    }
}
