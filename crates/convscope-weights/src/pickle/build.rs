//! What a pickle may make by calling: dictionaries, shapes, storages and tensors.

use super::{Global, LONGEST_NAME, Machine, Storage, Strided, Value};
use std::rc::Rc;

/// No array has more axes.
const MOST_AXES: usize = 16;
/// No known function takes more.
const MOST_ARGUMENTS: usize = 16;

impl Machine<'_> {
    pub(super) fn call(&mut self, function: &Value, arguments: &Value) -> Result<Value, String> {
        let (&Value::Global(function), &Value::Tuple(at)) = (function, arguments) else {
            return Err(format!(
                "it calls {} with {}; expected a known function with a tuple",
                function.kind(),
                arguments.kind()
            ));
        };
        let arguments = self.heap.sequence(at);
        if arguments.len() > MOST_ARGUMENTS {
            return Err(format!(
                "{function:?} is called with {} arguments",
                arguments.len()
            ));
        }
        let arguments = arguments.to_vec();
        match (function, arguments.as_slice()) {
            (Global::OrderedDict, []) => Ok(self.heap.new_dict(Vec::new())),
            // Protocols 0 and 1 pass the items along.
            (Global::OrderedDict, [Value::List(pairs)]) => self.dict_of_pairs(*pairs),
            (Global::Size, [items @ Value::Tuple(_)]) => Ok(items.clone()),
            (Global::Rebuild, [Value::Storage(storage), offset, shape, strides, ..]) => {
                let strided = Strided {
                    storage: storage.clone(),
                    offset: size(offset, "offset")?,
                    shape: self.sizes(shape, "size")?,
                    strides: self.sizes(strides, "stride")?,
                };
                Ok(Value::Tensor(Rc::new(strided)))
            }
            (Global::Parameter, [tensor @ Value::Tensor(_), ..]) => Ok(tensor.clone()),
            (function, arguments) => {
                let kinds: Vec<_> = arguments.iter().take(8).map(Value::kind).collect();
                Err(format!(
                    "{function:?} cannot be made of ({})",
                    kinds.join(", ")
                ))
            }
        }
    }

    fn dict_of_pairs(&mut self, pairs: usize) -> Result<Value, String> {
        self.copied += self.heap.sequence(pairs).len();
        if self.copied > self.code.len() {
            return Err("it makes dictionaries of one list again and again".into());
        }
        let mut items = Vec::new();
        for pair in self.heap.sequence(pairs) {
            let (Value::Tuple(at) | Value::List(at)) = pair else {
                return Err(format!("{} is no pair of a key and a value", pair.kind()));
            };
            let [key, value] = self.heap.sequence(*at) else {
                return Err("expected pairs of a key and a value".into());
            };
            items.push((key.clone(), value.clone()));
        }
        Ok(self.heap.new_dict(items))
    }

    /// PyTorch's ids: ("storage", class, key, device, length), before 1.6 with a view behind.
    pub(super) fn persistent(&mut self, id: &Value) -> Result<Value, String> {
        let &Value::Tuple(at) = id else {
            return Err(format!(
                "a persistent id is {}; expected a tuple",
                id.kind()
            ));
        };
        match self.heap.sequence(at) {
            [
                Value::Str(what),
                Value::Global(Global::Storage(element)),
                Value::Str(key),
                _,
                len,
                view @ ..,
            ] if &**what == "storage" && key.len() <= LONGEST_NAME => {
                if !matches!(view, [] | [Value::None]) {
                    return Err(
                        "a storage is a view of another, as PyTorch before 0.4 wrote it: \
                                save it anew with a later one"
                            .into(),
                    );
                }
                let storage = Rc::new(Storage {
                    element: *element,
                    key: (**key).to_owned(),
                    len: size(len, "length of a storage")?,
                });
                self.heap.name(storage.clone());
                Ok(Value::Storage(storage))
            }
            _ => Err("a persistent id is no storage of a known type".into()),
        }
    }

    fn sizes(&self, value: &Value, what: &str) -> Result<Vec<usize>, String> {
        let (&Value::Tuple(at) | &Value::List(at)) = value else {
            return Err(format!("its {what} is {}; expected a tuple", value.kind()));
        };
        let items = self.heap.sequence(at);
        if items.len() > MOST_AXES {
            return Err(format!(
                "it has {} axes; at most {MOST_AXES} are read",
                items.len()
            ));
        }
        items.iter().map(|v| size(v, what)).collect()
    }
}

fn size(value: &Value, what: &str) -> Result<usize, String> {
    match value {
        Value::Int(n) => {
            usize::try_from(*n).map_err(|_| format!("its {what} is {n}; expected 0 or more"))
        }
        other => Err(format!("its {what} is {}; expected a number", other.kind())),
    }
}
