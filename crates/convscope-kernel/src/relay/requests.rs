//! From Jupyter: what is asked, and the cells that wait.

use super::*;

impl Relay {
    pub(super) fn take_request(
        &mut self,
        channel: Channel,
        peer: PeerId,
        message: Message,
    ) -> Result<()> {
        match (channel, message.kind()) {
            (Channel::Shell, "execute_request") => self.enqueue(peer, message),
            (Channel::Shell | Channel::Control, "kernel_info_request") => {
                self.answer(channel, peer, &message, "kernel_info_reply", &kernel_info())
            }
            (Channel::Shell, "is_complete_request") => {
                let content = message.content();
                let code = content["code"].as_str().unwrap_or_default();
                let answer = match code::completeness(code) {
                    Completeness::Complete => json!({"status": "complete"}),
                    Completeness::Invalid => json!({"status": "invalid"}),
                    Completeness::Incomplete(indent) => {
                        json!({"status": "incomplete", "indent": indent})
                    }
                };
                self.answer(channel, peer, &message, "is_complete_reply", &answer)
            }
            (Channel::Shell, "history_request") => {
                let answer = self.history.answer(&message.content());
                self.answer(channel, peer, &message, "history_reply", &answer)
            }
            (Channel::Shell, "comm_info_request") => {
                // evcxr has no comms that outlive a message, and never answers.
                let answer = json!({"status": "ok", "comms": {}});
                self.answer(channel, peer, &message, "comm_info_reply", &answer)
            }
            (Channel::Shell | Channel::Control, "interrupt_request") => {
                self.interrupt()?;
                let answer = json!({"status": "ok"});
                self.answer(channel, peer, &message, "interrupt_reply", &answer)
            }
            (Channel::Shell | Channel::Control, "shutdown_request") => {
                let restart = message.content()["restart"].as_bool().unwrap_or(false);
                let answer = json!({"status": "ok", "restart": restart});
                self.ended = true;
                // Cells that will never run are said to be given up.
                self.gather();
                self.abort_queue()?;
                if let Some(cell) = self.running.take() {
                    self.cut_short = true;
                    let failure = Failure::new("Shutdown", "the kernel was shut down", &[]);
                    self.say(cell, &[failure])?;
                }
                self.publish("shutdown_reply", &message.header, &answer)?;
                self.answer(channel, peer, &message, "shutdown_reply", &answer)
            }
            (Channel::Stdin, "input_reply") => {
                // The child would take one that comes unasked for the next question's.
                let asked = self.running.as_mut().map(|cell| &mut cell.asked);
                if let Some(asked) = asked.filter(|asked| **asked == Some(peer)) {
                    *asked = None;
                    let mut message = message;
                    message.identities.clear();
                    self.kernel.send(channel, &message);
                }
                Ok(())
            }
            (Channel::Stdin, _) => Ok(()),
            _ => {
                self.pending.push_back(Pending {
                    id: message.id().to_owned(),
                    channel,
                    peer,
                    identities: message.identities.clone(),
                });
                if self.pending.len() > 4096 {
                    self.pending.pop_front();
                }
                let mut message = message;
                message.identities.clear();
                self.kernel.send(channel, &message);
                Ok(())
            }
        }
    }

    pub(super) fn enqueue(&mut self, peer: PeerId, message: Message) -> Result<()> {
        let size = message.size();
        let request = Request::new(peer, message);
        if self.queue.len() >= QUEUE.0 || self.queued + size > QUEUE.1 {
            let value = format!(
                "expected at most {} cells and {} bytes that wait to be run, got more",
                QUEUE.0, QUEUE.1
            );
            let failure = Failure::new("QueueFull", &value, &[]);
            return self.refuse(&request, &failure.content());
        }
        self.queued += size;
        self.queue.push_back(request);
        Ok(())
    }

    /// Replies to a cell that is not run.
    pub(super) fn refuse(&mut self, request: &Request, content: &Value) -> Result<()> {
        let mut content = content.clone();
        if content.get("status").is_none() {
            content["status"] = json!("error");
        }
        // A cell that was given up has no number: JupyterLab would show it as having run.
        if content["status"] != "aborted" {
            content["execution_count"] = json!(self.count);
        }
        let message = &request.message;
        self.answer(
            Channel::Shell,
            request.peer,
            message,
            "execute_reply",
            &content,
        )
    }

    pub(super) fn answer(
        &mut self,
        channel: Channel,
        peer: PeerId,
        request: &Message,
        kind: &str,
        content: &Value,
    ) -> Result<()> {
        // States are about the shell: on control they would hide what runs there.
        let state = |state: &str| match channel {
            Channel::Shell => {
                let content = json!({"execution_state": state});
                self.publish("status", &request.header, &content)
            }
            _ => Ok(()),
        };
        state("busy")?;
        let mut reply = Message::new(kind, &request.header, content)?;
        reply.identities.clone_from(&request.identities);
        self.server(channel).send(peer, reply.frames(&self.signer));
        state("idle")?;
        self.said_idle |= channel == Channel::Shell;
        Ok(())
    }

    pub(super) fn server(&self, channel: Channel) -> &Server {
        match channel {
            Channel::Control => &self.control,
            Channel::Stdin => &self.stdin,
            Channel::Iopub => &self.iopub,
            Channel::Shell | Channel::Heartbeat => &self.shell,
        }
    }

    pub(super) fn publish(&self, kind: &str, parent: &Value, content: &Value) -> Result<()> {
        self.forward(&Message::new(kind, parent, content)?);
        Ok(())
    }

    pub(super) fn forward(&self, message: &Message) {
        self.iopub.publish(message.frames(&self.signer));
    }

    /// The first time asks what runs to stop; the second time within a cell ends it.
    pub(super) fn interrupt(&mut self) -> Result<()> {
        self.gather();
        self.abort_queue()?;
        let stop_file = self.stop_file();
        let Some(cell) = &mut self.running else {
            return Ok(());
        };
        cell.interrupts += 1;
        if cell.interrupts == 1 {
            cell.asked_to_stop = Some(Instant::now());
            std::fs::write(&stop_file, cell.request.message.id())
                .map_err(io("writing the request to stop"))
        } else {
            let none = json!({});
            let message = Message::new("interrupt_request", &Value::Null, &none)?;
            self.kernel.send(Channel::Control, &message);
            Ok(())
        }
    }

    /// Takes in what has arrived: cells that were sent before a failure are given up with it.
    pub(super) fn gather(&mut self) {
        let mut others = VecDeque::new();
        let arrived = std::mem::take(&mut self.backlog);
        let waiting = std::iter::from_fn(|| self.events.try_recv().ok());
        for event in arrived.into_iter().chain(waiting) {
            match event {
                Event::Client(Channel::Shell, peer, message)
                    if message.kind() == "execute_request" =>
                {
                    self.queued += message.size();
                    self.queue.push_back(Request::new(peer, message));
                }
                other => others.push_back(other),
            }
        }
        self.backlog = others;
    }

    pub(super) fn abort_queue(&mut self) -> Result<()> {
        self.queued = 0;
        for request in std::mem::take(&mut self.queue) {
            self.refuse(&request, &json!({"status": "aborted"}))?;
        }
        Ok(())
    }
}

fn kernel_info() -> Value {
    json!({
        "status": "ok",
        "protocol_version": "5.3",
        "implementation": "convscope-kernel",
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "rust",
            "version": "",
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
        },
        "banner": "Rust on evcxr, by Convscope",
        "debugger": false,
        "help_links": [{
            "text": "Rust's standard library",
            "url": "https://doc.rust-lang.org/stable/std/",
        }],
    })
}
