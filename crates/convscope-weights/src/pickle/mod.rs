//! A machine for the pickles that PyTorch writes (protocols 0 to 5), which can build plain data and
//! tensors and run nothing: <https://docs.python.org/3/library/pickletools.html>.
//!
//! The general crates for pickles know no persistent ids, through which PyTorch names its storages,
//! and those for PyTorch call what they do not know an object and go on; here it is an error that
//! names it. Memory is bounded by the pickle's length: an instruction makes at most one value.

mod build;
mod bytes;
mod value;

use bytes::Code;
use std::collections::HashMap;
pub(crate) use value::{Global, Heap, Storage, Strided, Value, short};

/// The pickle of a thousand arrays has a quarter of a million bytes. The bound is one on memory too:
/// an instruction of one byte can make a value of fifty.
const LONGEST: usize = 4 << 20;
/// No path and no key of a storage is longer.
pub(crate) const LONGEST_NAME: usize = 512;

/// Runs the first pickle in `bytes`; gives its value and how many bytes it took.
pub(crate) fn load(bytes: &[u8]) -> Result<(Value, Heap, usize), String> {
    let mut machine = Machine {
        code: Code::of(bytes),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        heap: Heap::default(),
        copied: 0,
    };
    loop {
        let at = machine.code.at();
        if at > LONGEST {
            return Err(format!("its pickle is longer than {LONGEST} bytes"));
        }
        let stop = machine
            .step()
            .map_err(|e| format!("at byte {at} of its pickle: {e}"))?;
        if stop {
            let value = machine.pop()?;
            return Ok((value, machine.heap, machine.code.at()));
        }
    }
}

struct Machine<'a> {
    code: Code<'a>,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    heap: Heap,
    copied: usize,
}

impl Machine<'_> {
    /// One instruction; true at the end.
    fn step(&mut self) -> Result<bool, String> {
        let code = self.code.fixed::<1>()?[0];
        match code {
            b'.' => return Ok(true),
            0x80 => drop(self.code.fixed::<1>()?),
            0x95 => drop(self.code.fixed::<8>()?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let top = self.top()?.clone();
                self.stack.push(top);
            }
            _ => self.literal_or(code)?,
        }
        Ok(false)
    }

    fn literal_or(&mut self, code: u8) -> Result<(), String> {
        let value = match code {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'J' => Value::Int(i32::from_le_bytes(self.code.fixed()?).into()),
            b'K' => Value::Int(self.code.fixed::<1>()?[0].into()),
            b'M' => Value::Int(u16::from_le_bytes(self.code.fixed()?).into()),
            0x8a => {
                let n = self.code.fixed::<1>()?[0].into();
                self.code.long(n)?
            }
            0x8b => {
                let n = u32::from_le_bytes(self.code.fixed()?);
                self.code.long(n as usize)?
            }
            b'I' | b'L' => match self.code.line()? {
                "00" => Value::Bool(false),
                "01" => Value::Bool(true),
                text => {
                    let digits = text.strip_suffix('L').unwrap_or(text);
                    let number = digits.parse();
                    Value::Int(number.map_err(|_| format!("\"{}\" is no number", short(text)))?)
                }
            },
            b'G' => {
                self.code.fixed::<8>()?;
                Value::Float
            }
            b'F' => {
                self.code.line()?;
                Value::Float
            }
            b'X' | b'T' => {
                let n = u32::from_le_bytes(self.code.fixed()?);
                self.code.text(n.into())?
            }
            0x8c | b'U' => {
                let n = self.code.fixed::<1>()?[0];
                self.code.text(n.into())?
            }
            0x8d => {
                let n = u64::from_le_bytes(self.code.fixed()?);
                self.code.text(n)?
            }
            b'V' => Value::Str(self.code.line()?.into()),
            b'S' => Value::Str(self.code.line()?.trim_matches(['\'', '"']).into()),
            b'B' => {
                let n = u32::from_le_bytes(self.code.fixed()?);
                self.code.raw(n.into())?
            }
            b'C' => {
                let n = self.code.fixed::<1>()?[0];
                self.code.raw(n.into())?
            }
            0x8e => {
                let n = u64::from_le_bytes(self.code.fixed()?);
                self.code.raw(n)?
            }
            b')' => self.tuple(Vec::new()),
            b']' => self.list(Vec::new()),
            b'}' => self.heap.new_dict(Vec::new()),
            _ => return self.container_or(code),
        };
        self.stack.push(value);
        Ok(())
    }

    fn container_or(&mut self, code: u8) -> Result<(), String> {
        let value = match code {
            b't' => {
                let items = self.pop_mark()?;
                self.tuple(items)
            }
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let from = self.stack.len().checked_sub(count).ok_or(EMPTY)?;
                self.guard(from)?;
                let items = self.stack.split_off(from);
                self.tuple(items)
            }
            b'l' => {
                let items = self.pop_mark()?;
                self.list(items)
            }
            b'd' => {
                let items = self.pop_mark()?;
                let dict = self.heap.new_dict(Vec::new());
                self.stack.push(dict);
                return self.set_items(items);
            }
            b'a' => {
                let item = self.pop()?;
                return self.append(vec![item]);
            }
            b'e' => {
                let items = self.pop_mark()?;
                return self.append(items);
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                return self.set_items(vec![key, value]);
            }
            b'u' => {
                let items = self.pop_mark()?;
                return self.set_items(items);
            }
            _ => return self.object_or(code),
        };
        self.stack.push(value);
        Ok(())
    }

    fn object_or(&mut self, code: u8) -> Result<(), String> {
        let value = match code {
            b'c' => {
                let module = self.code.line()?;
                Value::Global(Global::named(module, self.code.line()?)?)
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Str(name), Value::Str(module)) => {
                    Value::Global(Global::named(&module, &name)?)
                }
                _ => return Err("a name that is no string".into()),
            },
            b'i' => {
                let module = self.code.line()?;
                Global::named(module, self.code.line()?)?;
                return Err("an instruction that builds objects, which weights do not need".into());
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                self.call(&function, &arguments)?
            }
            b'b' => {
                self.pop()?;
                // What PyTorch hangs on an OrderedDict are versions of modules.
                return match self.top()? {
                    Value::Dict(_) => Ok(()),
                    other => Err(format!("it sets the state of {}", other.kind())),
                };
            }
            b'Q' => {
                let id = self.pop()?;
                self.persistent(&id)?
            }
            _ => return self.memo_or(code),
        };
        self.stack.push(value);
        Ok(())
    }

    fn memo_or(&mut self, code: u8) -> Result<(), String> {
        let key = match code {
            b'q' | b'h' => self.code.fixed::<1>()?[0].into(),
            b'r' | b'j' => u32::from_le_bytes(self.code.fixed()?).into(),
            b'p' | b'g' => {
                let text = self.code.line()?;
                let number = text.parse();
                number.map_err(|_| format!("\"{}\" is no place in its memo", short(text)))?
            }
            0x94 => self.memo.len() as u64,
            _ => return Err(format!("instruction {code:#04x} does not occur in weights")),
        };
        if matches!(code, b'q' | b'r' | b'p' | 0x94) {
            let value = self.top()?.clone();
            self.memo.insert(key, value);
        } else {
            let value = self.memo.get(&key);
            let value = value.ok_or_else(|| format!("nothing is at place {key} of its memo"))?;
            self.stack.push(value.clone());
        }
        Ok(())
    }

    fn tuple(&mut self, items: Vec<Value>) -> Value {
        Value::Tuple(self.heap.new_sequence(items))
    }

    fn list(&mut self, items: Vec<Value>) -> Value {
        Value::List(self.heap.new_sequence(items))
    }

    fn append(&mut self, items: Vec<Value>) -> Result<(), String> {
        let &Value::List(at) = self.top()? else {
            return Err(format!("it appends to {}", self.top()?.kind()));
        };
        self.heap.extend(at, items);
        Ok(())
    }

    fn set_items(&mut self, items: Vec<Value>) -> Result<(), String> {
        let &Value::Dict(at) = self.top()? else {
            return Err(format!("it sets items of {}", self.top()?.kind()));
        };
        if !items.len().is_multiple_of(2) {
            return Err("a key has no value".into());
        }
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            self.heap.set(at, key, value);
        }
        Ok(())
    }

    fn top(&self) -> Result<&Value, String> {
        self.guard(self.stack.len().checked_sub(1).ok_or(EMPTY)?)?;
        self.stack.last().ok_or_else(|| EMPTY.into())
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.guard(self.stack.len().checked_sub(1).ok_or(EMPTY)?)?;
        self.stack.pop().ok_or_else(|| EMPTY.into())
    }

    /// What lies under a mark may not be taken from over it.
    fn guard(&self, from: usize) -> Result<(), String> {
        match self.marks.last() {
            Some(&mark) if from < mark => Err(EMPTY.into()),
            _ => Ok(()),
        }
    }

    fn pop_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("it closes what was never opened")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }
}

const EMPTY: &str = "it takes a value where there is none";
