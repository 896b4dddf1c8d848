//! Lists that are never empty, so that a drawn place always holds something.

/// At least one thing.
#[derive(Debug, Clone)]
pub struct List<T> {
    first: T,
    all: Vec<T>,
}

impl<T: Clone> List<T> {
    /// From a vector; `None` for an empty one.
    pub fn new(all: Vec<T>) -> Option<Self> {
        Some(Self { first: all.first()?.clone(), all })
    }
}

impl<T> List<T> {
    /// What lies at a place; the first where there is no such place.
    pub fn at(&self, place: usize) -> &T {
        self.all.get(place).unwrap_or(&self.first)
    }

    /// The same by a small number.
    pub fn id(&self, place: u32) -> &T {
        self.at(place as usize)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.all.iter()
    }

    /// All of them with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(self.all.iter())
    }
}
