using System.Collections.Generic;
using System.Linq;
using DialogueServer.Protocol;
using DialogueServer.Transport;
using UnityEngine;
using UnityEngine.UI;

namespace DialogueServer.Samples
{
    /// <summary>
    /// Talk to every NPC of a server. Put it on an empty GameObject of any scene and press play: it
    /// makes its own client, NPCs and user interface.
    /// </summary>
    [AddComponentMenu("Dialogue/Samples/Talk")]
    public sealed class TalkSample : MonoBehaviour
    {
        [Tooltip("Where the server is. Empty: this machine.")]
        [SerializeField]
        private DialogueSettings settings;

        [Tooltip("Whom to talk to. A server on your own machine tells the sample all that it has.")]
        [SerializeField]
        private string[] npcIds = { "tove", "jory", "pell", "wen" };

        private readonly List<GameObject> _buttons = new List<GameObject>();
        private readonly List<GameObject> _choices = new List<GameObject>();
        private DialogueClient _client;
        private DialogueNpc _npc;
        private DialogueText _reveal;
        private SampleUi _ui;
        private RectTransform _list;
        private RectTransform _choiceRow;
        private InputField _input;
        private Text _title;
        private Text _answer;
        private Text _status;

        private void Awake()
        {
            _ui = new SampleUi(transform);
            _list = _ui.Panel(0f, 0f, 0.2f, 1f);
            _title = _ui.Label(0.22f, 0.9f, 0.98f, 0.98f);
            _answer = _ui.Label(0.22f, 0.34f, 0.98f, 0.88f);
            _choiceRow = _ui.Panel(0.22f, 0.14f, 0.98f, 0.32f);
            _input = _ui.Input(0.22f, 0.06f, 0.98f, 0.13f, "Say something and press Enter");
            _input.onEndEdit.AddListener(Say);
            _status = _ui.Label(0.22f, 0f, 0.98f, 0.05f);

            if (settings == null) settings = ScriptableObject.CreateInstance<DialogueSettings>();
            _client = Child("Dialogue Client").AddComponent<DialogueClient>();
            _client.Settings = settings;
            _client.Capabilities = new[] { "designer" }; // for the list of NPCs; a game does not ask for it
            _client.StatusChanged += OnStatusChanged;
            _client.Failed += error => _status.text = error.Message;

            _reveal = Child("Dialogue Text").AddComponent<DialogueText>();
            _reveal.VisibleTextChanged += text => _answer.text = text;
            _reveal.Finished += Suggest;
            ShowNpcs(npcIds);
        }

        private void OnStatusChanged(SessionStatus status)
        {
            _status.text = (status + " " + _client.Reason).Trim();
            if (status == SessionStatus.Online && _client.Granted.Contains("designer")) AskForNpcs();
        }

        private async void AskForNpcs()
        {
            try
            {
                NpcInfo[] all = await _client.NpcsAsync();
                if (this != null) ShowNpcs(all.Select(npc => npc.Id).ToArray());
            }
            catch (DialogueException error)
            {
                _status.text = error.Message; // the list from the inspector stays
            }
            catch (System.OperationCanceledException)
            {
                // The scene is left.
            }
        }

        private void ShowNpcs(string[] ids)
        {
            _ui.Clear(_buttons);
            float height = Mathf.Min(0.08f, 1f / Mathf.Max(1, ids.Length));
            for (int row = 0; row < ids.Length; row++)
            {
                string id = ids[row];
                float top = 1f - height * row;
                _buttons.Add(_ui.Button(_list, 0.05f, top - 0.95f * height, 0.95f, top, id, () => TalkTo(id)));
            }
            if (ids.Length > 0 && (_npc == null || !ids.Contains(_npc.NpcId))) TalkTo(ids[0]);
        }

        private void TalkTo(string id)
        {
            if (_npc != null && _npc.NpcId == id) return;
            if (_npc != null) Destroy(_npc.gameObject); // the NPC remembers; its component need not
            GameObject home = Child(id);
            home.SetActive(false); // so that it is told its id before it wakes up
            _npc = home.AddComponent<DialogueNpc>();
            _npc.NpcId = id;
            _npc.Client = _client;
            _npc.Opened += greeting => ShowTitle();
            _npc.CueReached += cue => ShowTitle();
            _npc.ActionRequested += OnActionRequested;
            _npc.Triggered += trigger => _status.text = "Trigger " + trigger.Name;
            _npc.Failed += error => _status.text = error.Code + ": " + error.Message;
            _reveal.Npc = _npc;
            _answer.text = "";
            _ui.Clear(_choices);
            home.SetActive(true);
            ShowTitle();
        }

        private void Say(string line)
        {
            if (string.IsNullOrWhiteSpace(line)) return;
            _input.text = "";
            _answer.text = "...";
            _ui.Clear(_choices);
            _npc.SayLine(line);
        }

        /// <summary>The NPC wants to do something: here the player decides, in a game its rules do.</summary>
        private void OnActionRequested(DialogueAction action)
        {
            string what = action.Name + string.Concat(action.Arguments.Select(pair => " " + pair.Key + "=" + pair.Value));
            _status.text = _npc.DisplayName + ": " + what;
            if (!action.Waits) return;
            _ui.Clear(_choices);
            Choice("Let it happen: " + what, () => action.Accept());
            Choice("Refuse", () => action.Refuse("The player did not want it."));
        }

        private async void Suggest()
        {
            DialogueNpc asked = _npc;
            try
            {
                string[] lines = await asked.SuggestAsync();
                if (asked == null || asked != _npc || _choices.Count > 0 || asked.IsSpeaking) return;
                foreach (string line in lines) Choice(line, () => Say(line));
            }
            catch (DialogueException)
            {
                // Nobody has to have an idea.
            }
            catch (System.OperationCanceledException)
            {
                // The player talks to somebody else by now.
            }
        }

        private void Choice(string text, System.Action chosen)
        {
            float top = 1f - 0.32f * _choices.Count;
            if (top < 0.3f) return;
            _choices.Add(_ui.Button(_choiceRow, 0f, top - 0.3f, 1f, top, text, () =>
            {
                _ui.Clear(_choices);
                chosen();
            }));
        }

        private void ShowTitle()
        {
            string mood = _npc.Mood.Length > 0 ? " (" + _npc.Mood + ", " + _npc.MoodIntensity + " %)" : "";
            _title.text = _npc.DisplayName + mood;
        }

        private GameObject Child(string called)
        {
            var child = new GameObject(called);
            child.transform.SetParent(transform, false);
            return child;
        }
    }
}
