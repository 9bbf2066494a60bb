//! Every photograph of the course as a network reads it, in one array, and sheets of them.

use crate::picture::{Picture, picture};
use convscope_data::{DataError, Photo, PhotoSet, Preprocessing, ants_bees, photos, sample_photo};
use convscope_nn::Tensor;
use convscope_vis::render::{Cell, Sheet, photo};
use convscope_vis::{Nearest, Result, VisError};
use convscope_zoo::Model;
use ndarray::{Array2, Array3, Array4, ArrayView3, Axis, Ix3, s};

/// Photographs decoded at a time.
const AT_A_TIME: usize = 16;
/// Pieces that are cut from the sample picture where there are no photographs.
const PIECES: usize = 8;

/// Photographs as a network reads them; see [`album`].
#[derive(Clone)]
pub struct Album {
    /// What each is called.
    pub names: Vec<String>,
    /// Which group each belongs to, a place in `groups`.
    pub labels: Vec<usize>,
    /// The names of the groups.
    pub groups: Vec<String>,
    /// `[N, C, H, W]` in the network's units.
    pub images: Tensor,
    /// What was done to them.
    pub preprocessing: Preprocessing,
    /// Set when these are not the photographs: what they are, and why.
    pub notice: Option<String>,
}

/// The course's photographs, and its ants and bees, as this model reads them. Where they cannot be
/// had, overlapping pieces of the sample picture take their place, with a notice in the output.
///
/// # Errors
/// When a photograph is damaged or does not become what the model reads.
pub fn album(model: &Model) -> Result<Album> {
    let both = photos().and_then(|some| Ok((some, ants_bees()?)));
    let mut album = Album {
        names: Vec::new(),
        labels: Vec::new(),
        groups: Vec::new(),
        images: Tensor::zeros(vec![0, 0, 0, 0]),
        preprocessing: model.preprocessing.clone(),
        notice: None,
    };
    let mut batches = Vec::new();
    match both {
        Ok((some, insects)) => {
            album.groups = ["ants", "bees", "others"].map(str::to_owned).to_vec();
            for set in [&some, &insects] {
                album.fill(model, set, &mut batches)?;
            }
        }
        Err(why @ DataError::Fetch { .. }) => {
            album.groups = ["left", "right"].map(str::to_owned).to_vec();
            album.cut(model, &mut batches)?;
            let notice = format!(
                "The photographs cannot be had ({why}), so these are {} pieces of the picture that \
                 the course brings along. What the text says about animals is not to be seen in them.",
                album.names.len()
            );
            println!("Note. {notice}");
            album.notice = Some(notice);
        }
        Err(other) => return Err(other.into()),
    }
    let views: Vec<_> = batches.iter().map(|b: &Tensor| b.view()).collect();
    album.images = ndarray::concatenate(Axis(0), &views)
        .map_err(|_| VisError::Invalid("the photographs came in several sizes".into()))?;
    Ok(album)
}

impl Album {
    fn fill(&mut self, model: &Model, set: &PhotoSet, batches: &mut Vec<Tensor>) -> Result<()> {
        for from in (0..set.len()).step_by(AT_A_TIME) {
            let some = from..(from + AT_A_TIME).min(set.len());
            let open: Vec<Photo> = some
                .map(|i| set.open(i))
                .collect::<std::result::Result<_, _>>()?;
            batches.push(read(model, &open)?);
        }
        for name in set.names() {
            let group = ["ants", "bees"]
                .iter()
                .position(|g| name.contains(&format!("/{g}/")));
            self.labels.push(group.unwrap_or(2));
            self.names.push(name.clone());
        }
        Ok(())
    }

    fn cut(&mut self, model: &Model, batches: &mut Vec<Tensor>) -> Result<()> {
        let whole = sample_photo().pixels;
        let side = whole.dim().1 / 2;
        let step = |i: usize| i * side / (PIECES - 1);
        let mut pieces = Vec::new();
        for (i, j) in (0..PIECES * PIECES).map(|n| (n / PIECES, n % PIECES)) {
            let pixels = whole.slice(s![.., step(i)..step(i) + side, step(j)..step(j) + side]);
            let name = format!("piece {i}, {j}");
            self.names.push(name.clone());
            self.labels.push(usize::from(2 * j >= PIECES));
            let pixels = pixels.to_owned();
            pieces.push(Photo { name, pixels });
        }
        batches.push(read(model, &pieces)?);
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The number of the photograph of this name; 0 where there is none of it.
    pub fn find(&self, name: &str) -> usize {
        self.names.iter().position(|n| n == name).unwrap_or(0)
    }

    /// The images in batches, as methods that look at a stream of them want it.
    pub fn batches(&self) -> impl Iterator<Item = Tensor> + use<'_> {
        self.images
            .axis_chunks_iter(Axis(0), AT_A_TIME)
            .map(|b| b.to_owned())
    }

    /// One photograph as the network saw it: `[3, H, W]` from 0 to 1, red, green and blue.
    ///
    /// # Errors
    /// When there is no such one.
    pub fn photo(&self, index: usize) -> Result<Array3<f32>> {
        let pixels = self.preprocessing.pixels(self.one(index)?)?;
        Ok(pixels.mapv(|v| v.clamp(0.0, 1.0)))
    }

    /// All of them small, `[N, 3, side, side]` from 0 to 1: means over squares. `side` is rounded
    /// so that squares fit.
    ///
    /// # Errors
    /// When the side is 0.
    pub fn small(&self, side: usize) -> Result<Array4<f32>> {
        if side == 0 || self.is_empty() {
            return Err(VisError::Invalid(
                "small photographs: expected a side of at least 1 pixel".into(),
            ));
        }
        let mut all = Vec::new();
        for i in 0..self.len() {
            let one = self.photo(i)?;
            let (c, h, w) = one.dim();
            let by = (h.min(w) / side).max(1);
            let mean = |place: (usize, usize, usize)| {
                let (k, y, x) = place;
                let square = one.slice(s![k, y * by..(y + 1) * by, x * by..(x + 1) * by]);
                square.sum() / (by * by) as f32
            };
            all.push(Array3::from_shape_fn((c, h / by, w / by), mean));
        }
        let views: Vec<_> = all.iter().map(|a| a.view()).collect();
        Ok(ndarray::stack(Axis(0), &views).expect("photographs of one size"))
    }

    /// A row for each query: the photograph, the nearest by pixels, the nearest by features.
    ///
    /// # Errors
    /// When the neighbours are not those of these queries.
    pub fn neighbours(
        &self,
        queries: &[usize],
        pixels: &Nearest,
        features: &Nearest,
    ) -> Result<Sheet> {
        if [pixels, features]
            .iter()
            .any(|n| n.indices.len() != queries.len())
        {
            return Err(VisError::Invalid(format!(
                "neighbours to show: expected those of {} queries",
                queries.len()
            )));
        }
        let near = |n: &Nearest| n.indices.first().map_or(0, Vec::len);
        let mut titles = vec!["photo".to_owned()];
        titles.extend((1..=near(pixels)).map(|i| format!("pixels {i}")));
        titles.push(String::new());
        titles.extend((1..=near(features)).map(|i| format!("features {i}")));
        let mut sheet = Sheet::new(titles);
        for (row, &query) in queries.iter().enumerate() {
            let mut cells = vec![self.cell(query)?];
            for &i in &pixels.indices[row] {
                cells.push(self.cell(i)?);
            }
            cells.push(Cell::empty());
            for &i in &features.indices[row] {
                cells.push(self.cell(i)?);
            }
            sheet = sheet.row("", cells);
        }
        Ok(sheet.side(96))
    }

    fn cell(&self, index: usize) -> Result<Cell> {
        Ok(Cell::picture(photo(&self.preprocessing, self.one(index)?)?))
    }

    fn one(&self, index: usize) -> Result<ArrayView3<'_, f32>> {
        if index >= self.len() {
            return Err(VisError::Invalid(format!(
                "there is no photograph {index}: expected 0 to {}",
                self.len().saturating_sub(1)
            )));
        }
        let one = self.images.index_axis(Axis(0), index);
        Ok(one
            .into_dimensionality::<Ix3>()
            .expect("channels, height, width"))
    }
}

fn read(model: &Model, photos: &[Photo]) -> Result<Tensor> {
    let input = model.input(photos);
    input.map_err(|why| VisError::Invalid(why.to_string()))
}

/// A map of pictures: each of `images` `[N, 3, h, w]` (0 to 1) where its row of `points` `[N, 2]`
/// says, on a white ground. Later ones lie on earlier ones.
pub fn picture_map(points: &Array2<f64>, images: &Array4<f32>) -> Picture {
    let (n, _, h, w) = images.dim();
    let (height, width) = (680, 1000);
    let mut canvas = Array3::<f32>::ones((3, height, width));
    let ends = |k: usize| {
        let column = points.column(k);
        let low = column.iter().copied().fold(f64::INFINITY, f64::min);
        let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (low, (high - low).max(1e-12))
    };
    for i in 0..n.min(points.nrows()) {
        let share = |k: usize| (points[[i, k]] - ends(k).0) / ends(k).1;
        let left = (share(0) * (width - w) as f64).round() as usize;
        let top = ((1.0 - share(1)) * (height - h) as f64).round() as usize;
        let mut place = canvas.slice_mut(s![.., top..top + h, left..left + w]);
        place.assign(&images.index_axis(Axis(0), i));
    }
    picture(&canvas).range(0.0, 1.0).magnify(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_vis::{Metric, nearest};
    use convscope_zoo::Options;
    use ndarray::array;

    fn pieces() -> Album {
        let model = Model::random("vgg_cifar10", Options::new()).unwrap();
        let mut batches = Vec::new();
        let mut album = Album {
            names: Vec::new(),
            labels: Vec::new(),
            groups: ["left", "right"].map(str::to_owned).to_vec(),
            images: Tensor::zeros(vec![0, 0, 0, 0]),
            preprocessing: model.preprocessing.clone(),
            notice: None,
        };
        album.cut(&model, &mut batches).unwrap();
        album.images = batches.remove(0);
        album
    }

    #[test]
    fn without_photographs_there_are_pieces_of_the_sample_picture() {
        let album = pieces();
        assert_eq!(album.len(), PIECES * PIECES);
        assert_eq!(album.labels.iter().sum::<usize>(), album.len() / 2);
        assert_eq!(album.images.shape(), [64, 3, 32, 32]);
        assert_eq!(album.batches().count(), 4);
        assert_eq!(
            (album.find("piece 0, 3"), album.find("no such one")),
            (3, 0)
        );
    }

    #[test]
    fn small_ones_are_means_over_squares() {
        let album = pieces();
        let small = album.small(16).unwrap();
        assert_eq!(small.dim(), (64, 3, 16, 16));
        let square = album.photo(5).unwrap().slice(s![1, 2..4, 6..8]).sum() / 4.0;
        assert!((small[[5, 1, 1, 3]] - square).abs() < 1e-6);
        assert!(album.small(0).is_err() && album.photo(64).is_err());
    }

    #[test]
    fn neighbours_stand_beside_their_photograph() {
        let album = pieces();
        let rows = Array2::from_shape_fn((64, 1), |(i, _)| i as f64);
        let queries = rows.select(Axis(0), &[3, 9]);
        let near = nearest(&queries, &rows, 2, Metric::Euclidean, Some(&[3, 9])).unwrap();
        let sheet = album.neighbours(&[3, 9], &near, &near).unwrap().draw();
        assert!(sheet.width() > 6 * 96 && sheet.height() > 2 * 96);
        assert!(album.neighbours(&[3], &near, &near).is_err());
    }

    #[test]
    fn pictures_lie_where_their_points_do() {
        let points = array![[0.0, 0.0], [1.0, 1.0]];
        let images = Array4::zeros((2, 3, 10, 10));
        let map = picture_map(&points, &images);
        let text = crate::show::Show::shown(&map).text;
        assert!(text.contains("680 x 1000"), "{text}");
        picture_map(&array![[1.0, 1.0], [1.0, 1.0]], &images);
    }
}
