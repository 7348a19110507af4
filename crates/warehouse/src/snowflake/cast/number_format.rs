//! Formats of numbers: `999,990.00`, `$99.0`, `0XXX`, `TM9`.
//! Source: Snowflake's page "SQL format models", fixed-position numeric formats. Supported: digits `9` and `0`, `.`/`D`,
//! `,`/`G`, `$`, `S`, `MI`, `B`, `FM` in front, `X`, `TM9`, and text in double quotes; scientific formats (`EEEE`) are
//! refused.

use super::write_decimal;

/// A format that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::snowflake) struct NumberFormat {
    elements: Vec<Element>,
    fill: bool,
    minimal: bool,
    hexadecimal: bool,
    blank_zero: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Element {
    /// A digit; `true`: a zero shows.
    Digit(bool),
    Point,
    Group,
    Dollar,
    Sign,
    MinusBehind,
    Hex,
    Literal(String),
}

impl NumberFormat {
    /// Reads a format.
    ///
    /// # Errors
    /// What is not supported.
    pub(in crate::snowflake) fn parse(text: &str) -> Result<Self, String> {
        let mut format =
            Self { elements: Vec::new(), fill: true, minimal: false, hexadecimal: false, blank_zero: false };
        let mut rest = text;
        let mut point = false;
        if matches!(rest.to_ascii_uppercase().as_str(), "TM" | "TM9") {
            format.minimal = true;
            return Ok(format);
        }
        while let Some(char) = rest.chars().next() {
            let upper = rest.get(..2).map(str::to_ascii_uppercase).unwrap_or_default();
            if upper == "FM" {
                format.fill = false;
                rest = &rest[2..];
                continue;
            }
            if upper == "MI" {
                format.elements.push(Element::MinusBehind);
                rest = &rest[2..];
                continue;
            }
            if char == '"'
                && let Some((inside, after)) = rest[1..].split_once('"')
            {
                format.elements.push(Element::Literal(inside.to_owned()));
                rest = after;
                continue;
            }
            format.elements.push(match char.to_ascii_uppercase() {
                '9' => Element::Digit(false),
                '0' => Element::Digit(true),
                '.' | 'D' if !point => {
                    point = true;
                    Element::Point
                }
                ',' | 'G' if !point => Element::Group,
                '$' => Element::Dollar,
                'S' => Element::Sign,
                'X' => {
                    format.hexadecimal = true;
                    Element::Hex
                }
                'B' => {
                    format.blank_zero = true;
                    rest = &rest[1..];
                    continue;
                }
                '-' | ' ' | '/' | '+' | ':' | ';' | '(' | ')' => Element::Literal(char.to_string()),
                _ => return Err(format!("'{text}' is not a number format that is supported: '{char}' in it")),
            });
            rest = &rest[char.len_utf8()..];
        }
        let is_of_digits = |element: &Element| matches!(element, Element::Digit(_) | Element::Hex);
        if format.hexadecimal && !format.elements.iter().all(is_of_digits) {
            return Err(format!("'{text}' is not a number format that is supported: only 0 and X stand beside X"));
        }
        Ok(format)
    }

    /// Digits behind the point.
    pub(in crate::snowflake) fn scale(&self) -> i8 {
        let digits = |element: &&Element| matches!(element, Element::Digit(_));
        match self.elements.iter().position(|element| *element == Element::Point) {
            Some(point) => self.elements[point..].iter().filter(digits).count() as i8,
            None => 0,
        }
    }

    /// Whether the number is shown as it is.
    pub(in crate::snowflake) fn is_minimal(&self) -> bool {
        self.minimal
    }

    /// Appends the text of a number that is rounded to [`Self::scale`] already.
    pub(in crate::snowflake) fn write(&self, value: i128, out: &mut String) {
        if self.hexadecimal {
            return self.write_hex(value, out);
        }
        let scale = self.scale();
        let mut plain = String::new();
        write_decimal(value.saturating_abs(), scale, &mut plain);
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let whole = if whole == "0" { "" } else { whole };
        let point = self.elements.iter().position(|element| *element == Element::Point).unwrap_or(self.elements.len());
        let places = self.elements[..point].iter().filter(|element| matches!(element, Element::Digit(_))).count();
        let negative = value < 0;
        if whole.len() > places {
            // What does not fit shows as number signs.
            out.extend(self.elements.iter().filter(|e| !matches!(e, Element::Literal(_))).map(|_| '#'));
            return;
        }
        let signed = self.elements.iter().any(|element| matches!(element, Element::Sign | Element::MinusBehind));
        let skipped = places - whole.len();
        let (mut place, mut behind, mut started) = (0, 0, false);
        let mut text = String::new();
        // A place is kept for the sign, behind what stands in front of the number.
        let mut has_place = signed || negative || !self.fill;
        // The sign and the dollar stand directly before the first digit that shows.
        let mut dollar = false;
        let lead = |text: &mut String, dollar: bool| {
            if negative && !signed {
                text.push('-');
            }
            if dollar {
                text.push('$');
            }
        };
        for (index, element) in self.elements.iter().enumerate() {
            if !has_place && !matches!(element, Element::Literal(_)) {
                has_place = true;
                text.push(' ');
            }
            match element {
                Element::Digit(zero) if index < point => {
                    let digit = (place >= skipped).then(|| whole.as_bytes()[place - skipped]);
                    place += 1;
                    // A zero shows even where the format has only nines.
                    let is_last = place == places && point == self.elements.len() && !self.blank_zero;
                    let digit = digit.or(if *zero || started || is_last { Some(b'0') } else { None });
                    match digit {
                        Some(digit) => {
                            if !started {
                                lead(&mut text, dollar);
                            }
                            started = true;
                            text.push(char::from(digit));
                        }
                        None if self.fill => text.push(' '),
                        None => {}
                    }
                }
                Element::Digit(_) => {
                    text.push(fraction.as_bytes().get(behind).map_or('0', |byte| char::from(*byte)));
                    behind += 1;
                }
                Element::Point => {
                    if !started {
                        lead(&mut text, dollar);
                        started = true;
                    }
                    text.push('.');
                }
                Element::Group if started => text.push(','),
                Element::Group if self.fill => text.push(' '),
                Element::Group => {}
                Element::Dollar => dollar = true,
                Element::Sign => text.push(if negative { '-' } else { '+' }),
                Element::MinusBehind => text.push_str(if negative {
                    "-"
                } else if self.fill {
                    " "
                } else {
                    ""
                }),
                Element::Literal(literal) => text.push_str(literal),
                Element::Hex => {}
            }
        }
        out.push_str(&text);
    }

    fn write_hex(&self, value: i128, out: &mut String) {
        let places = self.elements.iter().filter(|e| matches!(e, Element::Hex | Element::Digit(_))).count();
        let zeros = matches!(self.elements.first(), Some(Element::Digit(true)));
        let text = format!("{:X}", value.max(0));
        if text.len() > places || value < 0 {
            out.extend(std::iter::repeat_n('#', places));
        } else if zeros {
            out.push_str(&format!("{text:0>places$}"));
        } else if self.fill {
            out.push_str(&format!("{text:>width$}", width = places + 1));
        } else {
            out.push_str(&text);
        }
    }

    /// Reads a number that is written in this format: group separators and dollars are taken out.
    pub(in crate::snowflake) fn plain(&self, text: &str) -> String {
        let mut out: String = text
            .trim()
            .chars()
            .filter(|char| {
                !matches!(char, ',' | '$' | ' ') || (*char == ',' && !self.elements.contains(&Element::Group))
            })
            .collect();
        if out.ends_with('-') {
            out.pop();
            out.insert(0, '-');
        }
        out
    }

    /// Whether digits are hexadecimal.
    pub(in crate::snowflake) fn is_hexadecimal(&self) -> bool {
        self.hexadecimal
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_take_their_places() {
        for (format, value, wanted) in [
            ("999,990.00", 123_456_789, "##########"),
            ("999,990.00", 123_450, "   1,234.50"),
            ("FM999,990.00", 123_450, "1,234.50"),
            ("FM000", 7, "007"),
            ("999", 7, "   7"),
            ("999", -7, "  -7"),
            ("FM99.99", 50, ".50"),
            ("FM$990.0", 125, "$12.5"),
            ("S999", 7, "+  7"),
            ("FM999MI", -7, "7-"),
            ("99", 123, "##"),
            ("FM9", 0, "0"),
            ("999", 0, "   0"),
            ("\">\"999\"<\"", 0, ">   0<"),
            ("\">\"999.0\"<\"", 125, ">  12.5<"),
            ("\">\"999.0\"<\"", -125, "> -12.5<"),
            ("FM0XXX", 255, "00FF"),
        ] {
            let mut out = String::new();
            NumberFormat::parse(format).unwrap().write(value, &mut out);
            assert_eq!(out, wanted, "{format} {value}");
        }
        for refused in ["9.9EEEE", "S0XXX", "\">\"0XXX"] {
            assert!(NumberFormat::parse(refused).is_err(), "{refused}");
        }
    }
}
