//! What a template can call beside the engine's own: the time, and chance.

use minijinja::value::{Kwargs, Rest, Value};
use minijinja::{Environment, Error, ErrorKind, State};

use super::clock;
use super::scene::Scene;

pub(super) fn add_to(engine: &mut Environment<'static>) {
    engine.add_function("now", |state: &State<'_, '_>, how: Kwargs| with(state, |scene| clock::now(scene.at, &how)));
    engine.add_function("uuid", |state: &State<'_, '_>| {
        with(state, |scene| Ok(uuid([scene.draws.next(), scene.draws.next()]).into()))
    });
    engine.add_function("random", |state: &State<'_, '_>, of: Rest<Value>| with(state, |scene| random(scene, &of)));
    // It would print all that a template can read, secrets too.
    engine.remove_global("debug");
}

fn with(state: &State<'_, '_>, make: impl FnOnce(&Scene) -> Result<Value, Error>) -> Result<Value, Error> {
    match Scene::of(state) {
        Some(scene) => make(&scene),
        None => Err(Error::new(ErrorKind::InvalidOperation, "nothing is known of this rendering")),
    }
}

/// A version 4 UUID (RFC 9562, section 5.4) of these random bits.
fn uuid(random: [u64; 2]) -> String {
    let high = random[0] & !0xf000 | 0x4000;
    let low = random[1] & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// `random()`: from 0 up to, but without, 1. `random(1, 6)`: a whole number, both ends included. `random(['a', 'b'])`: an item.
fn random(scene: &Scene, of: &[Value]) -> Result<Value, Error> {
    let wrong = || {
        let expected = "expected `random()`, `random(1, 6)` or `random(['a', 'b'])`";
        Error::new(ErrorKind::InvalidOperation, expected)
    };
    let below = |span: u128| (u128::from(scene.draws.next()) * span) >> 64;
    match of {
        [] => Ok(scene.draws.fraction().into()),
        [low, high] => {
            let (low, high) = (low.as_i64().ok_or_else(wrong)?, high.as_i64().ok_or_else(wrong)?);
            let span = i128::from(high) - i128::from(low) + 1;
            let span = u128::try_from(span).ok().filter(|span| *span > 0).ok_or_else(wrong)?;
            let drawn = i128::from(low) + i128::try_from(below(span)).unwrap_or_default();
            Ok(i64::try_from(drawn).unwrap_or(low).into())
        }
        [list] => {
            let length = list.len().filter(|length| *length > 0).ok_or_else(wrong)?;
            list.get_item_by_index(usize::try_from(below(length as u128)).unwrap_or_default())
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_that_it_is_random() {
        assert_eq!(uuid([0, 0]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([u64::MAX, u64::MAX]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
