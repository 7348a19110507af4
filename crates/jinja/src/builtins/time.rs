//! `modules.datetime` and `modules.pytz`.
//!
//! "Now" is the start of the run, in UTC, for every template: the same project renders to the same text.

use std::any::Any;
use std::cmp::Ordering;

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::value::native::{Module, function};
use crate::value::{self, Kind, Native, Value, kind_of, ops, repr};
use crate::vm::{Args, Eval, Vm};

/// An instant or a local date and time (Python's aware and naive `datetime`).
#[derive(Debug, Clone)]
struct Moment {
    local: NaiveDateTime,
    zone: Option<Tz>,
}

#[derive(Debug, Clone)]
struct Date(NaiveDate);

#[derive(Debug, Clone)]
struct Span(Duration);

#[derive(Debug, Clone)]
struct Zone(Tz);

/// An instant of UTC as a `datetime`.
pub(super) fn instant(now: DateTime<Utc>) -> Value {
    value::native(Moment { local: now.naive_utc(), zone: Some(Tz::UTC) })
}

impl Moment {
    /// Offset from UTC in seconds.
    fn offset(&self) -> Option<i32> {
        use chrono::Offset;
        let zone = self.zone?;
        let found = zone.offset_from_local_datetime(&self.local).earliest();
        Some(found.map_or(0, |offset| offset.fix().local_minus_utc()))
    }
    fn utc(&self) -> NaiveDateTime {
        let offset = Duration::seconds(i64::from(self.offset().unwrap_or(0)));
        // At the ends of the calendar there is no such instant; the local time is as near as it gets.
        self.local.checked_sub_signed(offset).unwrap_or(self.local)
    }
    fn iso(&self, separator: char) -> String {
        let mut text = self.local.format(&format!("%Y-%m-%d{separator}%H:%M:%S")).to_string();
        if self.local.nanosecond() >= 1_000 {
            text.push_str(&format!(".{:06}", self.local.nanosecond() / 1_000));
        }
        if let Some(offset) = self.offset() {
            let (sign, size) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
            text.push_str(&format!("{sign}{:02}:{:02}", size / 3600, size % 3600 / 60));
        }
        text
    }
}

/// `strftime`: Python's letters are chrono's, but for `%f`, which is microseconds.
fn strftime(local: &NaiveDateTime, zone: Option<(Tz, i32)>, format: &str) -> Result<String, String> {
    use std::fmt::Write;
    let (name, offset) = zone.map_or((String::new(), String::new()), |(tz, offset)| {
        let (sign, size) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
        (tz.name().to_owned(), format!("{sign}{:02}{:02}", size / 3600, size % 3600 / 60))
    });
    let micros = format!("{:06}", local.nanosecond() / 1_000);
    let prepared = format.replace("%f", &micros).replace("%Z", &name).replace("%z", &offset);
    let mut out = String::new();
    write!(out, "{}", local.format(&prepared)).map_err(|_| format!("'{format}' is not a format for dates"))?;
    Ok(out)
}

fn parse_with(text: &str, format: &str) -> Option<Moment> {
    let format = format.replace(".%f", "%.f");
    if format.contains("%z") {
        let found = DateTime::parse_from_str(text, &format).ok()?;
        return Some(Moment { local: found.naive_utc(), zone: Some(Tz::UTC) });
    }
    let local = NaiveDateTime::parse_from_str(text, &format).ok();
    let local =
        local.or_else(|| NaiveDate::parse_from_str(text, &format).ok().map(|date| date.and_time(NaiveTime::MIN)))?;
    Some(Moment { local, zone: None })
}

fn parse_iso(text: &str) -> Option<Moment> {
    if let Ok(found) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Some(Moment { local: found.naive_utc(), zone: Some(Tz::UTC) });
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"]
        .iter()
        .find_map(|format| parse_with(text, format))
}

fn date_fields(date: NaiveDate, name: &str) -> Option<Value> {
    Some(match name {
        "year" => Value::from(date.year()),
        "month" => Value::from(date.month()),
        "day" => Value::from(date.day()),
        _ => return None,
    })
}

fn date_methods(vm: &mut Vm<'_>, date: NaiveDate, name: &str, args: Args) -> Eval<Value> {
    vm.lift(args.none(name))?;
    Ok(match name {
        "weekday" => Value::from(date.weekday().num_days_from_monday()),
        "isoweekday" => Value::from(date.weekday().number_from_monday()),
        "toordinal" => Value::from(date.num_days_from_ce()),
        _ => {
            let week = date.iso_week();
            value::tuple(vec![
                Value::from(week.year()),
                Value::from(week.week()),
                Value::from(date.weekday().number_from_monday()),
            ])
        }
    })
}

/// The fields of `replace(…)` and of the constructors; none where the date does not exist.
fn fields(vm: &Vm<'_>, what: &str, before: NaiveDateTime, given: &[Option<Value>]) -> Eval<NaiveDateTime> {
    let mut numbers = [
        i64::from(before.year()),
        i64::from(before.month()),
        i64::from(before.day()),
        i64::from(before.hour()),
        i64::from(before.minute()),
        i64::from(before.second()),
        i64::from(before.nanosecond() / 1_000),
    ];
    for (number, given) in numbers.iter_mut().zip(given) {
        if let Some(given) = given {
            *number = value::integer_of(given)
                .and_then(|whole| i64::try_from(whole).ok())
                .ok_or_else(|| vm.fail(format!("{what}: '{}' object is not an integer", value::type_name(given))))?;
        }
    }
    let part = |at: usize| u32::try_from(numbers[at]).unwrap_or(u32::MAX);
    let made = i32::try_from(numbers[0])
        .ok()
        .filter(|year| (1..=9999).contains(year))
        .and_then(|year| NaiveDate::from_ymd_opt(year, part(1), part(2)))
        .and_then(|date| date.and_hms_micro_opt(part(3), part(4), part(5), part(6)));
    made.ok_or_else(|| vm.fail(format!("{what}: there is no such date or time")))
}

const FIELDS: [&str; 8] = ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"];

fn zone_of(value: &Value) -> Option<Tz> {
    value::as_native::<Zone>(value).map(|zone| zone.0)
}

impl Native for Moment {
    fn type_name(&self) -> &'static str {
        "datetime"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        self.iso(' ')
    }
    fn repr(&self) -> String {
        format!("datetime.datetime({})", self.local.format("%Y, %-m, %-d, %-H, %-M, %-S"))
    }
    fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "hour" => Value::from(self.local.hour()),
            "minute" => Value::from(self.local.minute()),
            "second" => Value::from(self.local.second()),
            "microsecond" => Value::from(self.local.nanosecond() / 1_000),
            "tzinfo" => self.zone.map_or_else(value::none, |zone| value::native(Zone(zone))),
            _ => return date_fields(self.local.date(), name),
        })
    }
    fn methods(&self) -> &'static [&'static str] {
        &[
            "strftime",
            "isoformat",
            "date",
            "timestamp",
            "replace",
            "astimezone",
            "weekday",
            "isoweekday",
            "toordinal",
            "isocalendar",
            "utcoffset",
        ]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        Ok(match name {
            "strftime" => {
                let [format] = vm.lift(args.exactly(name, ["format"]))?;
                let zone = self.zone.zip(self.offset());
                Value::from(vm.lift(strftime(&self.local, zone, &repr::text(&format)))?)
            }
            "isoformat" => {
                let mut args = vm.lift(args.bind(name, &["sep"], 0))?;
                let separator = args.given(0).and_then(|text| repr::text(&text).chars().next()).unwrap_or('T');
                Value::from(self.iso(separator))
            }
            "date" => vm.lift(args.none(name)).map(|()| value::native(Date(self.local.date())))?,
            "timestamp" => {
                vm.lift(args.none(name))?;
                Value::from(self.utc().and_utc().timestamp_micros() as f64 / 1e6)
            }
            "utcoffset" => {
                let offset = self.offset().map(|offset| value::native(Span(Duration::seconds(i64::from(offset)))));
                offset.unwrap_or_else(value::none)
            }
            "replace" => {
                let mut args = vm.lift(args.bind(name, &FIELDS, 0))?;
                let given: Vec<Option<Value>> = (0..7).map(|at| args.given(at)).collect();
                let zone = args.given(7).map_or(self.zone, |zone| zone_of(&zone));
                value::native(Moment { local: fields(vm, name, self.local, &given)?, zone })
            }
            "astimezone" => {
                let mut args = vm.lift(args.bind(name, &["tz"], 0))?;
                let zone = args.given(0).and_then(|zone| zone_of(&zone)).unwrap_or(Tz::UTC);
                value::native(Moment { local: zone.from_utc_datetime(&self.utc()).naive_local(), zone: Some(zone) })
            }
            _ => return date_methods(vm, self.local.date(), name, args),
        })
    }
    fn binary(&self, op: &str, other: &Value, reflected: bool) -> Option<Value> {
        if let Some(span) = value::as_native::<Span>(other) {
            let local = match (op, reflected) {
                ("+", _) => self.local.checked_add_signed(span.0),
                ("-", false) => self.local.checked_sub_signed(span.0),
                _ => return None,
            };
            return local.map(|local| value::native(Moment { local, zone: self.zone }));
        }
        let other = value::as_native::<Moment>(other)?;
        (op == "-" && !reflected).then(|| value::native(Span(self.utc() - other.utc())))
    }
    fn compare(&self, other: &dyn Native) -> Option<Ordering> {
        Some(self.utc().cmp(&other.as_any().downcast_ref::<Moment>()?.utc()))
    }
}

impl Native for Date {
    fn type_name(&self) -> &'static str {
        "date"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        self.0.format("%Y-%m-%d").to_string()
    }
    fn repr(&self) -> String {
        format!("datetime.date({})", self.0.format("%Y, %-m, %-d"))
    }
    fn get(&self, name: &str) -> Option<Value> {
        date_fields(self.0, name)
    }
    fn methods(&self) -> &'static [&'static str] {
        &["strftime", "isoformat", "replace", "weekday", "isoweekday", "toordinal", "isocalendar"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        Ok(match name {
            "strftime" => {
                let [format] = vm.lift(args.exactly(name, ["format"]))?;
                Value::from(vm.lift(strftime(&self.0.and_time(NaiveTime::MIN), None, &repr::text(&format)))?)
            }
            "isoformat" => vm.lift(args.none(name)).map(|()| Value::from(self.text()))?,
            "replace" => {
                let mut args = vm.lift(args.bind(name, &FIELDS[..3], 0))?;
                let given: Vec<Option<Value>> = (0..3).map(|at| args.given(at)).collect();
                value::native(Date(fields(vm, name, self.0.and_time(NaiveTime::MIN), &given)?.date()))
            }
            _ => return date_methods(vm, self.0, name, args),
        })
    }
    fn binary(&self, op: &str, other: &Value, reflected: bool) -> Option<Value> {
        if let Some(span) = value::as_native::<Span>(other) {
            let days = span.0.num_days();
            let forward = match (op, reflected) {
                ("+", _) => days >= 0,
                ("-", false) => days < 0,
                _ => return None,
            };
            let size = Days::new(days.unsigned_abs());
            let moved = if forward { self.0.checked_add_days(size) } else { self.0.checked_sub_days(size) };
            return moved.map(|date| value::native(Date(date)));
        }
        let other = value::as_native::<Date>(other)?;
        (op == "-" && !reflected).then(|| value::native(Span(self.0 - other.0)))
    }
    fn compare(&self, other: &dyn Native) -> Option<Ordering> {
        Some(self.0.cmp(&other.as_any().downcast_ref::<Date>()?.0))
    }
}

impl Span {
    /// Days, seconds of the day and microseconds as Python normalises them: only the days can be negative.
    fn parts(&self) -> (i64, i64, i64) {
        let micros = self.0.num_microseconds().unwrap_or(i64::MAX);
        let seconds = micros.div_euclid(1_000_000);
        (seconds.div_euclid(86_400), seconds.rem_euclid(86_400), micros.rem_euclid(1_000_000))
    }
}

impl Native for Span {
    fn type_name(&self) -> &'static str {
        "timedelta"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        let (days, seconds, micros) = self.parts();
        let mut text = match days {
            0 => String::new(),
            1 | -1 => format!("{days} day, "),
            _ => format!("{days} days, "),
        };
        text.push_str(&format!("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60));
        if micros > 0 {
            text.push_str(&format!(".{micros:06}"));
        }
        text
    }
    fn get(&self, name: &str) -> Option<Value> {
        let (days, seconds, micros) = self.parts();
        Some(Value::from(match name {
            "days" => days,
            "seconds" => seconds,
            "microseconds" => micros,
            _ => return None,
        }))
    }
    fn methods(&self) -> &'static [&'static str] {
        &["total_seconds"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        vm.lift(args.none(name))?;
        Ok(Value::from(self.0.num_microseconds().unwrap_or(i64::MAX) as f64 / 1e6))
    }
    fn binary(&self, op: &str, other: &Value, reflected: bool) -> Option<Value> {
        if let Some(other) = value::as_native::<Span>(other) {
            let (a, b) = if reflected { (other.0, self.0) } else { (self.0, other.0) };
            return match op {
                "+" => a.checked_add(&b).map(|sum| value::native(Span(sum))),
                "-" => a.checked_sub(&b).map(|sum| value::native(Span(sum))),
                "//" => {
                    Some(ops::integer(i128::from(a.num_microseconds()?.checked_div_euclid(b.num_microseconds()?)?)))
                }
                _ => None,
            };
        }
        let factor = i32::try_from(value::integer_of(other)?).ok()?;
        match (op, reflected) {
            ("*", _) => self.0.checked_mul(factor).map(|made| value::native(Span(made))),
            ("/" | "//", false) => self.0.checked_div(factor).map(|made| value::native(Span(made))),
            _ => None,
        }
    }
    fn compare(&self, other: &dyn Native) -> Option<Ordering> {
        Some(self.0.cmp(&other.as_any().downcast_ref::<Span>()?.0))
    }
}

impl Native for Zone {
    fn type_name(&self) -> &'static str {
        "timezone"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        self.0.name().to_owned()
    }
    fn get(&self, name: &str) -> Option<Value> {
        (name == "zone").then(|| Value::from(self.0.name()))
    }
    fn methods(&self) -> &'static [&'static str] {
        &["localize"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        let [moment] = vm.lift(args.exactly(name, ["dt"]))?;
        match value::as_native::<Moment>(&moment) {
            Some(moment) if moment.zone.is_none() => {
                Ok(value::native(Moment { local: moment.local, zone: Some(self.0) }))
            }
            Some(_) => Err(vm.fail("Not naive datetime (tzinfo is already set)")),
            None => Err(vm.fail("localize() takes a datetime")),
        }
    }
}

/// A class of `modules.datetime`: makes objects when called, and has class methods.
struct Class {
    name: &'static str,
    now: DateTime<Utc>,
}

impl std::fmt::Debug for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "class {}", self.name)
    }
}

impl Native for Class {
    fn type_name(&self) -> &'static str {
        "type"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        format!("<class 'datetime.{}'>", self.name)
    }
    fn get(&self, name: &str) -> Option<Value> {
        (self.name == "timezone" && name == "utc").then(|| value::native(Zone(Tz::UTC)))
    }
    fn methods(&self) -> &'static [&'static str] {
        match self.name {
            "datetime" => {
                &["now", "utcnow", "today", "strptime", "fromisoformat", "fromtimestamp", "utcfromtimestamp", "combine"]
            }
            "date" => &["today", "fromisoformat"],
            _ => &[],
        }
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        if matches!(name, "now" | "utcnow" | "today") {
            vm.read_moving();
        }
        let naive = |local| value::native(Moment { local, zone: None });
        Ok(match (self.name, name) {
            ("date", "today") => vm.lift(args.none(name)).map(|()| value::native(Date(self.now.date_naive())))?,
            ("date", _) => {
                let [text] = vm.lift(args.exactly(name, ["date_string"]))?;
                let text = repr::text(&text);
                let found = NaiveDate::parse_from_str(&text, "%Y-%m-%d");
                value::native(Date(found.map_err(|_| vm.fail(format!("Invalid isoformat string: '{text}'")))?))
            }
            (_, "now") => {
                let mut args = vm.lift(args.bind(name, &["tz"], 0))?;
                match args.given(0).and_then(|zone| zone_of(&zone)) {
                    Some(zone) => value::native(Moment {
                        local: zone.from_utc_datetime(&self.now.naive_utc()).naive_local(),
                        zone: Some(zone),
                    }),
                    None => naive(self.now.naive_utc()),
                }
            }
            (_, "utcnow" | "today") => vm.lift(args.none(name)).map(|()| naive(self.now.naive_utc()))?,
            (_, "strptime") => {
                let [text, format] = vm.lift(args.exactly(name, ["date_string", "format"]))?;
                let (text, format) = (repr::text(&text), repr::text(&format));
                let found = parse_with(&text, &format);
                value::native(
                    found.ok_or_else(|| vm.fail(format!("time data '{text}' does not match format '{format}'")))?,
                )
            }
            (_, "fromisoformat") => {
                let [text] = vm.lift(args.exactly(name, ["date_string"]))?;
                let text = repr::text(&text);
                value::native(parse_iso(&text).ok_or_else(|| vm.fail(format!("Invalid isoformat string: '{text}'")))?)
            }
            (_, "combine") => {
                let mut args = vm.lift(args.bind(name, &["date", "time"], 1))?;
                let date = args.take(0);
                let date = value::as_native::<Date>(&date)
                    .map(|date| date.0)
                    .ok_or_else(|| vm.fail("combine() takes a date"))?;
                naive(date.and_time(NaiveTime::MIN))
            }
            _ => {
                let [seconds] = vm.lift(args.exactly(name, ["timestamp"]))?;
                let seconds = match kind_of(&seconds) {
                    Kind::Int(whole) => whole as f64,
                    Kind::Float(number) => number,
                    _ => return Err(vm.fail("a timestamp is a number of seconds")),
                };
                let found = DateTime::from_timestamp_micros((seconds * 1e6) as i64);
                naive(found.ok_or_else(|| vm.fail("this timestamp is out of range"))?.naive_utc())
            }
        })
    }
    fn callable(&self) -> bool {
        self.name != "timezone"
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        let start = NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN);
        match self.name {
            "datetime" => {
                let mut args = vm.lift(args.bind("datetime", &FIELDS, 3))?;
                let given: Vec<Option<Value>> = (0..7).map(|at| args.given(at)).collect();
                let zone = args.given(7).and_then(|zone| zone_of(&zone));
                Ok(value::native(Moment { local: fields(vm, "datetime", start, &given)?, zone }))
            }
            "date" => {
                let mut args = vm.lift(args.bind("date", &FIELDS[..3], 3))?;
                let given: Vec<Option<Value>> = (0..3).map(|at| args.given(at)).collect();
                Ok(value::native(Date(fields(vm, "date", start, &given)?.date())))
            }
            "timedelta" => timedelta(vm, args),
            _ => Err(vm.fail(format!("{} cannot be called", self.name))),
        }
    }
}

fn timedelta(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let names = ["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"];
    let micros = [86_400e6, 1e6, 1.0, 1e3, 60e6, 3600e6, 604_800e6];
    let mut args = vm.lift(args.bind("timedelta", &names, 0))?;
    let mut total = 0.0;
    for (at, unit) in micros.iter().enumerate() {
        match args.given(at).as_ref().map(kind_of) {
            None => {}
            Some(Kind::Int(whole)) => total += whole as f64 * unit,
            Some(Kind::Float(number)) => total += number * unit,
            Some(_) => return Err(vm.fail(format!("timedelta: {} is not a number", names[at]))),
        }
    }
    Ok(value::native(Span(Duration::microseconds(total as i64))))
}

/// `modules.datetime`.
pub(super) fn datetime_module(now: DateTime<Utc>) -> Value {
    let class = |name| (name, value::native(Class { name, now }));
    value::native(Module {
        name: "datetime",
        members: ["datetime", "date", "timedelta", "timezone"].map(class).to_vec(),
    })
}

/// `modules.pytz`.
pub(super) fn pytz_module() -> Value {
    let timezone = function("timezone", |vm, args| {
        let [name] = vm.lift(args.exactly("timezone", ["zone"]))?;
        let name = repr::text(&name);
        let zone: Tz = name.parse().map_err(|_| vm.fail(format!("Unknown time zone '{name}'")))?;
        Ok(value::native(Zone(zone)))
    });
    let utc = value::native(Zone(Tz::UTC));
    value::native(Module { name: "pytz", members: vec![("timezone", timezone), ("utc", utc.clone()), ("UTC", utc)] })
}
