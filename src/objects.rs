//! The side table of Rust objects: functions that Lua can call, and what userdata stand for.
//!
//! It lies outside of the region. A userdata holds the number of its object, which no other object ever gets: the low
//! half is the place in the table, the high half counts how often the place was used.

use std::{any::Any, sync::Arc};

/// An object of any type.
pub(crate) type Object = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
pub(crate) struct Objects {
    places: Vec<Place>,
    free: Vec<u32>,
}

struct Place {
    uses: u32,
    object: Option<Object>,
}

impl Objects {
    /// Adds an object and gives its number.
    pub fn insert(&mut self, object: Object) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { uses: 0, object: None });
            self.places.len() as u32 - 1
        });
        let place = &mut self.places[index as usize];
        place.object = Some(object);
        u64::from(place.uses) << 32 | u64::from(index)
    }

    /// Adds an object under a number that it had elsewhere. `None` if the place is taken, or there are too many.
    #[cfg(feature = "migration")]
    pub fn insert_at(&mut self, number: u64, object: Object) -> Option<()> {
        /// The most places.
        const MOST: usize = 1 << 20;
        let index = number as u32 as usize;
        if index >= MOST {
            return None;
        }
        while self.places.len() <= index {
            self.free.push(self.places.len() as u32);
            self.places.push(Place { uses: 0, object: None });
        }
        self.free.retain(|&free| free as usize != index);
        let place = &mut self.places[index];
        if place.object.is_some() {
            return None;
        }
        *place = Place { uses: (number >> 32) as u32, object: Some(object) };
        Some(())
    }

    fn place(&mut self, number: u64) -> Option<&mut Place> {
        self.places.get_mut(number as u32 as usize).filter(|place| u64::from(place.uses) == number >> 32)
    }

    /// The object of this number, unless it was removed.
    pub fn get(&mut self, number: u64) -> Option<Object> {
        self.place(number)?.object.clone()
    }

    /// All objects and their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Object)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(index, place)| Some((u64::from(place.uses) << 32 | index as u64, place.object.as_ref()?)))
    }

    /// Removes an object.
    pub fn remove(&mut self, number: u64) -> Option<Object> {
        let place = self.place(number)?;
        let object = place.object.take()?;
        // A place whose count has run out is not used again.
        if let Some(uses) = place.uses.checked_add(1) {
            place.uses = uses;
            self.free.push(number as u32);
        }
        Some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_not_used_twice() {
        let mut objects = Objects::default();
        let first = objects.insert(Arc::new(1));
        assert!(objects.remove(first).is_some());
        let second = objects.insert(Arc::new(2));
        assert_ne!(first, second);
        assert!(objects.get(first).is_none() && objects.remove(first).is_none());
        assert!(objects.get(second).is_some());
    }
}
