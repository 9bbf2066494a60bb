//! From the kernel: replies, and the outputs of the cell that runs.

use super::*;

impl Relay {
    pub(super) fn take_answer(&mut self, channel: Channel, message: Message) -> Result<()> {
        let parent = message.parent_id();
        let own = self
            .running
            .as_ref()
            .is_some_and(|cell| cell.request.message.id() == parent);
        match channel {
            Channel::Iopub => {
                let size = message.size();
                self.kernel.underway.fetch_sub(size, Ordering::Relaxed);
                self.kernel.heard = true;
                self.early_ends = 0;
                if own {
                    self.output(message)
                } else {
                    self.late_output(&parent, message)
                }
            }
            Channel::Stdin => {
                if let Some(cell) = self.running.as_mut().filter(|_| own) {
                    let identity = self.shell.identity(cell.request.peer);
                    cell.asked = self.stdin.find(&identity);
                    if let Some(peer) = cell.asked {
                        let mut message = message;
                        message.identities.clear();
                        self.stdin.send(peer, message.frames(&self.signer));
                    } else {
                        // Nobody is there to be asked; the cell would wait for ever.
                        let nothing = json!({"value": ""});
                        let answer = Message::new("input_reply", &message.header, &nothing)?;
                        self.kernel.send(channel, &answer);
                    }
                }
                Ok(())
            }
            Channel::Shell | Channel::Control => {
                if channel == Channel::Shell {
                    self.kernel.answered = true;
                }
                if own && message.kind() == "execute_reply" {
                    if let Some(cell) = &mut self.running {
                        cell.reply = Some(message);
                    }
                    return Ok(());
                }
                let asked = self
                    .pending
                    .iter()
                    .position(|asked| asked.id == parent && asked.channel == channel);
                if let Some(asked) = asked.and_then(|at| self.pending.remove(at)) {
                    let mut message = message;
                    message.identities = asked.identities;
                    self.server(channel)
                        .send(asked.peer, message.frames(&self.signer));
                }
                Ok(())
            }
            Channel::Heartbeat => Ok(()),
        }
    }

    /// An output of the cell that runs.
    pub(super) fn output(&mut self, message: Message) -> Result<()> {
        let Some(cell) = &mut self.running else {
            return Ok(());
        };
        match message.kind() {
            "status" if message.content()["execution_state"] == "idle" => {
                cell.idle = Some(Instant::now());
                return Ok(());
            }
            "execute_input" | "execute_result" => {
                if message.kind() == "execute_result" {
                    cell.has_result = true;
                }
                if cell.request.silent {
                    return Ok(());
                }
                let mut content = message.content();
                content["execution_count"] = json!(cell.count);
                let message = message.with_content(&content);
                self.forward(&message);
                return Ok(());
            }
            "error" => {
                let content = message.content();
                cell.errors.push(content);
                return Ok(());
            }
            "stream" if message.may_hold(&["u001e", "u001E", "\"stderr\"", "\u{1e}"]) => {
                return self.stream(message);
            }
            _ => {}
        }
        self.forward(&message);
        Ok(())
    }

    /// Text in which something may be marked, or a panic hidden.
    pub(super) fn stream(&mut self, message: Message) -> Result<()> {
        let content = message.content();
        let text = content["text"].as_str().unwrap_or_default();
        let Some(cell) = &mut self.running else {
            return Ok(());
        };
        if content["name"] == "stderr" {
            if cell.idle.is_some() {
                cell.idle = Some(Instant::now());
            }
            let (own, reached) = self.fence.cut(text);
            if let Some(awaited) = &mut cell.fence {
                awaited.reached |= reached.is_some_and(|number| number >= awaited.number);
            }
            let seen = cell.complain(&own);
            let seen = cell.hold(seen);
            if seen == text {
                self.forward(&message);
            } else if !seen.is_empty() {
                let content = json!({"name": "stderr", "text": seen});
                self.forward(&message.with_content(&content));
            }
            return Ok(());
        }
        if !text.contains(MARK) {
            self.forward(&message);
            return Ok(());
        }
        let parent = cell.request.message.header.clone();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => {
                    let content = json!({"name": content["name"], "text": text});
                    self.publish("stream", &parent, &content)?;
                }
                Piece::Panic(panic) => {
                    if let Some(cell) = &mut self.running {
                        cell.reported.push(panic);
                    }
                }
                Piece::Display { id, data, metadata } => {
                    let content = json!({
                        "data": data,
                        "metadata": metadata,
                        "transient": {"display_id": id},
                    });
                    let new = self
                        .running
                        .as_mut()
                        .is_some_and(|cell| cell.shown.insert(id));
                    let kind = if new {
                        "display_data"
                    } else {
                        "update_display_data"
                    };
                    self.publish(kind, &parent, &content)?;
                }
            }
        }
        Ok(())
    }

    /// An output that belongs to no cell that runs.
    pub(super) fn late_output(&mut self, parent: &str, message: Message) -> Result<()> {
        // Answers to the relay's own questions are nobody else's business.
        if message.parent_is_relays() {
            return Ok(());
        }
        if message.may_hold(&["u001e", "u001E", "\u{1e}"]) && message.kind() == "stream" {
            let content = message.content();
            let (own, fence) = self.fence.cut(content["text"].as_str().unwrap_or_default());
            if fence.is_some() {
                if !own.is_empty() {
                    let content = json!({"name": content["name"], "text": own});
                    self.forward(&message.with_content(&content));
                }
                return Ok(());
            }
        }
        if let Some((id, scanner)) = &mut self.last
            && id == parent
            && message.kind() == "stream"
            && scanner.is_inside()
        {
            let content = message.content();
            if content["name"] == "stderr" {
                let text = content["text"].as_str().unwrap_or_default();
                let seen: String = text
                    .split_inclusive('\n')
                    .filter(|line| scanner.line(line))
                    .collect();
                if !seen.is_empty() {
                    let content = json!({"name": "stderr", "text": seen});
                    self.forward(&message.with_content(&content));
                }
                return Ok(());
            }
        }
        self.forward(&message);
        Ok(())
    }
}
