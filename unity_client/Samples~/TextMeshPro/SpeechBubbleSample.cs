using System.Linq;
using TMPro;
using UnityEngine;

namespace DialogueServer.Samples
{
    /// <summary>
    /// Two NPCs in one conversation, each with a TextMeshPro label of its own that reveals what it
    /// says, in the colour of its mood. Put it on an empty GameObject and press play: they hear of an
    /// event and talk to each other. "Skip" in the component's menu shows the rest at once.
    /// </summary>
    /// <remarks>Import the TMP essentials first: Window > TextMeshPro.</remarks>
    [AddComponentMenu("Dialogue/Samples/Speech Bubbles (TextMeshPro)")]
    public sealed class SpeechBubbleSample : MonoBehaviour
    {
        [Tooltip("Where the server is. Empty: this machine.")]
        [SerializeField]
        private DialogueSettings settings;

        [SerializeField]
        private string[] npcIds = { "tove", "pell" };

        [Tooltip("What happens before they begin.")]
        [SerializeField]
        private string happening = "A cart stops outside, and somebody knocks.";

        [Tooltip("How many lines they say to each other.")]
        [Min(0)]
        [SerializeField]
        private int lines = 4;

        private DialogueText[] _bubbles;

        [ContextMenu("Skip")]
        public void Skip()
        {
            foreach (DialogueText bubble in _bubbles) bubble.Skip();
        }

        private async void Start()
        {
            if (settings == null) settings = ScriptableObject.CreateInstance<DialogueSettings>();
            var client = Child("Dialogue Client").AddComponent<DialogueClient>();
            client.Settings = settings;
            Transform canvas = Canvas();
            DialogueNpc[] npcs = npcIds.Select(id => Npc(id, client)).ToArray();
            _bubbles = npcs.Select((npc, index) => Bubble(npc, canvas, index)).ToArray();
            try
            {
                await npcs[0].SendEvent(happening, Reaction.Must);
                for (int line = 1; line <= lines && this != null; line++)
                {
                    await npcs[line % npcs.Length].Advance();
                    while (this != null && _bubbles.Any(bubble => !bubble.IsFinished && bubble.Npc.CurrentTurn != null))
                        await System.Threading.Tasks.Task.Yield(); // the player reads
                }
            }
            catch (DialogueException error)
            {
                Debug.LogWarning("The talk stops: " + error.Message, this);
            }
            catch (System.OperationCanceledException)
            {
                // The scene is left.
            }
        }

        private DialogueNpc Npc(string id, DialogueClient client)
        {
            GameObject home = Child(id);
            home.SetActive(false); // so that it is told everything before it wakes up
            var npc = home.AddComponent<DialogueNpc>();
            npc.NpcId = id;
            npc.ConversationName = "speech bubbles"; // the same name: the same conversation
            npc.Client = client;
            home.SetActive(true);
            return npc;
        }

        private static DialogueText Bubble(DialogueNpc npc, Transform canvas, int index)
        {
            var home = new GameObject(npc.NpcId + "'s bubble", typeof(RectTransform));
            home.transform.SetParent(canvas, false);
            var rect = (RectTransform)home.transform;
            rect.anchorMin = new Vector2(0.05f + 0.5f * (index % 2), 0.5f);
            rect.anchorMax = rect.anchorMin + new Vector2(0.4f, 0.4f);
            rect.offsetMin = rect.offsetMax = Vector2.zero;
            var label = home.AddComponent<TextMeshProUGUI>();
            label.fontSize = 24f;
            var text = home.AddComponent<DialogueText>();
            text.Label = label;
            text.Npc = npc;
            npc.CueReached += cue =>
            {
                if (cue.Kind == DialogueCue.Mood) label.color = Color.Lerp(Color.white, Tint(cue.Name), cue.Intensity / 100f);
            };
            return text;
        }

        /// <summary>A game has a table of its moods; any colour that stays the same does here.</summary>
        private static Color Tint(string mood)
        {
            float hue = mood.Aggregate(7, (sum, c) => (sum * 31 + c) % 360) / 360f;
            return Color.HSVToRGB(hue, 0.7f, 1f);
        }

        private Transform Canvas()
        {
            GameObject home = Child("Canvas");
            home.AddComponent<Canvas>().renderMode = RenderMode.ScreenSpaceOverlay;
            return home.transform;
        }

        private GameObject Child(string called)
        {
            var child = new GameObject(called);
            child.transform.SetParent(transform, false);
            return child;
        }
    }
}
