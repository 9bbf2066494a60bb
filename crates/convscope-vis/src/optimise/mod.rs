//! Images made by optimisation: what excites a unit, a dream, an inversion.

mod blur;
mod canvas;
mod cut;
mod decoder;
mod dream;
mod facets;
mod fourier;
mod invert;
mod latent;
mod maximise;
mod maximised;
mod objective;
mod penalty;
mod presets;
mod range;
mod regularise;
mod resize;
mod settings;
mod start;
mod step;
mod transform;

pub use blur::gaussian_kernel;
pub use decoder::{Decoder, TrainDecoder, train_decoder};
pub use dream::{
    Detail, Dream, Dreamed, dream, dream_from_noise, dream_watched, dream_zoom, octave_sizes,
};
pub use facets::{Facets, maximize_facets};
pub use invert::{Invert, Inverted, invert, invert_watched};
pub use latent::{Drawn, LatentAscent, maximize_latent};
pub use maximise::{maximize, maximize_all, maximize_all_watched, maximize_watched};
pub use maximised::{Frame, Maximized};
pub use objective::Objective;
pub use penalty::{Variation, total_variation};
pub use presets::{Preset, PresetSettings, presets};
pub use range::PixelRange;
pub use settings::{Blur, Clamp, Maximize, Parametrisation};
pub use start::Start;
pub use step::{Normalise, Step};
pub use transform::Transform;
